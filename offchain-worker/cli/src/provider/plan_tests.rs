use proptest::prelude::*;
use weft_primitives::{
    ContentCodec, ContentId,
    job::{Arithmetic, Patience},
};

use super::*;

const DEVICE: AccountId = AccountId([1; 32]);
const OTHER: AccountId = AccountId([2; 32]);

fn job(id: JobId, model: AssetId, device: AccountId, phase: Phase<u32>) -> Job {
    Job {
        id,
        user: OTHER,
        model,
        arithmetic: Arithmetic::Float,
        tier: weft_primitives::tier::Tier::None,
        posted_at: 0,
        attempts: 1,
        state: JobState::Living(LivingJob {
            phase,
            input: ContentId {
                codec: ContentCodec::Raw,
                sha256: [0; 32],
            },
            user_key: [0; 32],
            input_key: None,
            max_tokens: 10,
            max_price: 10,
            patience: Patience::Short,
            provider: OTHER,
            device,
            encryption_key: [0; 32],
            ask_per_token: 1,
            licence: None,
            proposed: None,
        }),
    }
}

fn running(id: JobId, until: u32) -> Job {
    job(id, 0, DEVICE, Phase::Running { until })
}

fn view(now: u32, status: ProviderStatus, jobs: Vec<Job>) -> ChainView {
    ChainView {
        now,
        provider: Provider {
            owner: OTHER,
            device: DEVICE,
            encryption_key: [0; 32],
            endpoint: vec![],
            capacity: 1,
            busy: 0,
            status,
            stake: 0,
            unbonding: 0,
            score_ppm: 0,
            completed: 0,
            missed: 0,
            declined: 0,
            refuted: 0,
            seized: 0,
            offers: vec![0],
        },
        offers: [(0, true)].into(),
        jobs,
    }
}

fn local(model: Option<Model>) -> Local {
    Local {
        device: DEVICE,
        models: model.map(|model| (0, model)).into_iter().collect(),
        work: BTreeMap::new(),
        stopping: false,
        held: false,
        has_served: false,
        switching: false,
    }
}

fn working(job: JobId, work: Work) -> Local {
    Local {
        work: [(job, work)].into(),
        has_served: true,
        ..local(Some(Model::Ready))
    }
}

use ProviderStatus::{Available, Full, Paused, PausedAfterMiss};

#[test]
fn jobs_are_welcome_only_once_the_models_answer() {
    assert_eq!(plan(&view(1, Paused, vec![]), &local(None)), [Action::Prepare(0)]);
    assert_eq!(plan(&view(1, Paused, vec![]), &local(Some(Model::Preparing))), []);
    assert_eq!(
        plan(&view(1, Paused, vec![]), &local(Some(Model::Ready))),
        [Action::Resume]
    );
    // After a crash the chain may still think the device available.
    assert_eq!(
        plan(&view(1, Available, vec![]), &local(Some(Model::Preparing))),
        [Action::Pause]
    );
    let mut unkeyed = view(1, Paused, vec![]);
    unkeyed.offers = [(0, false)].into();
    assert_eq!(
        plan(&unkeyed, &local(None)),
        [],
        "an offer without key cannot be matched"
    );
}

#[test]
fn a_model_that_is_no_longer_offered_leaves_the_memory_once_its_jobs_are_done() {
    let mut withdrawn = view(5, Paused, vec![]);
    withdrawn.offers.clear();
    assert_eq!(plan(&withdrawn, &local(Some(Model::Ready))), [Action::Unload(0)]);
    withdrawn.jobs = vec![running(7, 20)];
    assert_eq!(plan(&withdrawn, &local(Some(Model::Ready))), [Action::Compute(7)]);
}

#[test]
fn a_pause_by_hand_or_after_a_miss_is_respected() {
    let served = Local {
        has_served: true,
        ..local(Some(Model::Ready))
    };
    assert_eq!(plan(&view(1, Paused, vec![]), &served), []);
    assert_eq!(plan(&view(1, PausedAfterMiss, vec![]), &served), []);
    assert_eq!(
        plan(&view(1, PausedAfterMiss, vec![]), &local(Some(Model::Ready))),
        [Action::Resume],
        "a new process starts anew"
    );
    let held = Local {
        held: true,
        ..local(Some(Model::Ready))
    };
    assert_eq!(plan(&view(1, Paused, vec![]), &held), []);
    assert_eq!(plan(&view(1, Available, vec![]), &held), [Action::Pause]);
}

#[test]
fn a_model_offered_later_pauses_only_until_it_is_ready() {
    let mut two = view(1, Available, vec![]);
    let mut local = local(Some(Model::Ready));
    observe(&two, &mut local);
    two.offers.insert(1, true);
    assert_eq!(plan(&two, &local), [Action::Prepare(1), Action::Pause]);
    local.models.insert(1, Model::Preparing);
    local.switching = true;
    assert_eq!(plan(&two, &local), []);
    switched(&mut local, false, true);
    two.provider.status = Paused;
    assert_eq!(plan(&two, &local), []);
    local.models.insert(1, Model::Ready);
    assert_eq!(plan(&two, &local), [Action::Resume]);
}

#[test]
fn a_job_is_computed_committed_and_forgotten() {
    let at = |local: &Local| plan(&view(5, Full, vec![running(7, 20)]), local);
    let ready = Local {
        has_served: true,
        ..local(Some(Model::Ready))
    };
    assert_eq!(at(&ready), [Action::Compute(7)]);
    assert_eq!(at(&working(7, Work::Computing)), []);
    assert_eq!(at(&working(7, Work::Answered)), [Action::Commit(7)]);
    assert_eq!(at(&working(7, Work::Sending)), []);
    assert_eq!(
        at(&working(7, Work::Failed(Decline::InputUnreadable))),
        [Action::Decline(7, Decline::InputUnreadable)]
    );
    assert_eq!(
        plan(&view(5, Available, vec![]), &working(7, Work::Sending)),
        [Action::Forget(7)]
    );
}

#[test]
fn an_answer_kept_from_before_a_crash_is_committed_even_without_the_model() {
    let restarted = Local {
        work: [(7, Work::Answered)].into(),
        ..local(None)
    };
    let actions = plan(&view(5, Full, vec![running(7, 20)]), &restarted);
    assert!(actions.contains(&Action::Commit(7)));
    assert!(!actions.contains(&Action::Compute(7)));
}

#[test]
fn a_job_from_before_a_crash_waits_for_the_model_even_if_the_offer_is_gone() {
    let mut orphan = view(5, Paused, vec![running(7, 20)]);
    orphan.offers.clear();
    assert_eq!(plan(&orphan, &local(None)), [Action::Prepare(0)]);
    assert_eq!(
        plan(&orphan, &local(Some(Model::Failed { retry_at: 50 }))),
        [Action::Decline(7, Decline::ModelUnavailable)]
    );
}

#[test]
fn nothing_is_sent_when_it_cannot_land_in_time() {
    for work in [Work::Answered, Work::Computing, Work::Failed(Decline::DeviceFault)] {
        assert_eq!(
            plan(&view(20, Full, vec![running(7, 20)]), &working(7, work)),
            [Action::Lapse(7)]
        );
        assert!(!plan(&view(19, Full, vec![running(7, 20)]), &working(7, work)).contains(&Action::Lapse(7)));
    }
    assert_eq!(
        plan(&view(20, Full, vec![running(7, 20)]), &working(7, Work::Lapsed)),
        []
    );
}

#[test]
fn shutting_down_gives_back_what_was_not_begun_and_finishes_the_rest() {
    let stopping = |work: &[(JobId, Work)]| Local {
        work: work.iter().copied().collect(),
        stopping: true,
        ..local(Some(Model::Ready))
    };
    let two = || vec![running(7, 20), running(8, 20)];
    assert_eq!(
        plan(&view(5, Full, two()), &stopping(&[(7, Work::Computing)])),
        [Action::Pause, Action::Decline(8, Decline::DeviceFault)]
    );
    assert!(!may_end(&view(5, Paused, two()), &stopping(&[(7, Work::Computing)])));
    assert!(may_end(&view(5, Paused, vec![]), &stopping(&[])));
    assert!(!may_end(&view(5, Available, vec![]), &stopping(&[])));
}

#[test]
fn another_devices_jobs_are_left_alone() {
    let foreign = job(7, 0, OTHER, Phase::Running { until: 20 });
    let mut elsewhere = view(5, Available, vec![foreign]);
    elsewhere.provider.device = OTHER;
    assert_eq!(plan(&elsewhere, &local(Some(Model::Ready))), []);
}

fn any_work() -> impl Strategy<Value = Work> {
    prop_oneof![
        Just(Work::Computing),
        Just(Work::Answered),
        Just(Work::Sending),
        Just(Work::Failed(Decline::InputUnsuitable)),
        Just(Work::Lapsed),
    ]
}

fn any_model() -> impl Strategy<Value = Option<Model>> {
    prop_oneof![
        Just(None),
        Just(Some(Model::Preparing)),
        Just(Some(Model::Ready)),
        (0u32..40).prop_map(|retry_at| Some(Model::Failed { retry_at })),
    ]
}

prop_compose! {
    fn any_case()(
        now in 0u32..40,
        status in prop_oneof![Just(Available), Just(Full), Just(Paused), Just(PausedAfterMiss)],
        capacity in 1u16..4,
        jobs in proptest::collection::btree_map(0u64..6, (any::<bool>(), 0u32..40, any::<bool>()), 0..6),
        model in any_model(),
        work in proptest::collection::btree_map(0u64..8, any_work(), 0..6),
        flags: [bool; 4],
    ) -> (ChainView, Local) {
        let jobs = jobs.into_iter().map(|(id, (runs, until, ours))| {
            let phase = if runs { Phase::Running { until } } else { Phase::AwaitingInput { until } };
            job(id, 0, if ours { DEVICE } else { OTHER }, phase)
        }).collect();
        let mut view = view(now, status, jobs);
        view.provider.capacity = capacity;
        let [stopping, held, has_served, switching] = flags;
        (view, Local { work, stopping, held, has_served, switching, ..local(model) })
    }
}

proptest! {
    #[test]
    fn no_act_is_asked_for_twice_or_for_a_job_of_others((view, local) in any_case()) {
        let actions = plan(&view, &local);
        let mut seen = actions.clone();
        seen.sort();
        seen.dedup();
        prop_assert_eq!(seen.len(), actions.len());
        for action in &actions {
            if let Action::Compute(id) | Action::Commit(id) | Action::Decline(id, _) = action {
                let job = view.jobs.iter().find(|job| job.id == *id).unwrap();
                let living = living(job, &DEVICE).unwrap();
                prop_assert!(view.now < living.phase.until(), "{:?} would come too late", action);
            }
        }
    }

    #[test]
    fn no_more_is_computed_than_there_are_slots((view, local) in any_case()) {
        let begun = local.work.values().filter(|work| **work == Work::Computing).count();
        let more = plan(&view, &local).iter().filter(|action| matches!(action, Action::Compute(_))).count();
        prop_assert!(more == 0 || begun + more <= usize::from(view.provider.capacity));
    }

    /// Whatever the state, with nothing going wrong every running job that is this device's is answered, given back, or
    /// its deadline passes: none is left hanging.
    #[test]
    fn every_job_leaves((mut view, mut local) in any_case()) {
        local.held = false;
        for _ in 0..60 {
            for action in plan(&view, &local) {
                match action {
                    Action::Prepare(model) => { local.models.insert(model, Model::Ready); },
                    Action::Unload(model) => { local.models.remove(&model); },
                    Action::Resume => view.provider.status = Available,
                    Action::Pause => view.provider.status = Paused,
                    Action::Compute(job) => { local.work.insert(job, Work::Answered); },
                    Action::Commit(job) | Action::Decline(job, _) => {
                        view.jobs.retain(|other| other.id != job);
                    },
                    Action::Lapse(job) => { local.work.insert(job, Work::Lapsed); },
                    Action::Forget(job) => { local.work.remove(&job); },
                }
            }
            // What is under way in the shell comes to its end.
            for work in local.work.values_mut() {
                if *work == Work::Computing { *work = Work::Answered; }
                if *work == Work::Sending { *work = Work::Answered; }
            }
            for model in local.models.values_mut() {
                if *model == Model::Preparing { *model = Model::Ready; }
            }
            local.switching = false;
            observe(&view, &mut local);
            // The chain ends a job whose input never came.
            let now = view.now;
            view.jobs.retain(|job| match &job.state {
                JobState::Living(LivingJob { phase: Phase::AwaitingInput { until }, .. }) => now < *until,
                _ => true,
            });
            view.now += 1;
        }
        for job in &view.jobs {
            if living(job, &DEVICE).is_some() {
                prop_assert_eq!(local.work.get(&job.id), Some(&Work::Lapsed));
            }
        }
        prop_assert!(!local.stopping || may_end(&view, &local));
    }
}
