//! What a job commits to, made of the tokenizer alone, against the exact engines: their answers are never at fault, others always.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod synthetic;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use synthetic::{LlamaShape, llama};
use tempfile::TempDir;
use weft_disputes::{NotUnasked, PromptFault, Shown, Unasked};
use weft_engine::bert::ModelFiles;
use weft_engine::exact::{
    Asked, ConvertOptions, ExactEmbedding, ExactError, ExactGeneration, ExactServer, ExactText, Fitting, KernelChoice,
    Prompts, SENTENCE_TOKENIZER, TOKENIZER, among, commitment, convert,
};
use weft_engine::{Device, FinishReason, GenerationParams, Message, Prompt, RandomSampling, Sampling};

/// Of the made-up model.
const CONTEXT: u32 = 48;
const SALT: [u8; 32] = [5; 32];

fn cpu() -> Device {
    "cpu:1".parse().unwrap()
}

fn made_up() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("float.gguf"), dir.path().join("exact"));
    std::fs::write(&file, llama(&LlamaShape::default()).finish()).unwrap();
    let options = ConvertOptions {
        fitting: Fitting::None,
        ..ConvertOptions::default()
    };
    convert(&file, &out, &options, cpu(), &mut |_| ()).unwrap();
    (dir, out)
}

/// Those of a model's files that are published unsealed, where they are there.
fn published(dir: &Path, names: &[&str]) -> ModelFiles {
    let read = names.iter().filter_map(|name| {
        let bytes = std::fs::read(dir.join(name)).ok()?;
        Some(((*name).to_owned(), bytes))
    });
    read.collect()
}

fn prompts(dir: &Path) -> Prompts {
    Prompts::from_files(&published(dir, &[TOKENIZER])).unwrap()
}

fn chat(text: &str) -> Prompt {
    Prompt::Chat(vec![Message::user(text)])
}

fn params(max_tokens: usize, seed: Option<u64>) -> GenerationParams {
    let random = |seed| {
        Sampling::Random(RandomSampling {
            temperature: 50.0,
            top_p: 1.0,
            top_k: 0,
            seed,
        })
    };
    GenerationParams {
        max_tokens,
        sampling: seed.map_or(Sampling::Greedy, random),
    }
}

fn answer(model: &mut ExactText, prompt: &Prompt, params: GenerationParams) -> ExactGeneration {
    let asked = [(prompt.clone(), params)];
    model
        .generate(&asked, |_, _| ControlFlow::Continue(()))
        .unwrap()
        .remove(0)
}

fn doubt(asked: &Asked, made: &ExactGeneration) -> Option<Shown> {
    asked
        .prompt
        .doubt(&asked.tokens, &made.trace, &made.all_tokens, CONTEXT)
}

fn judged(asked: &Asked, made: &ExactGeneration) -> Option<Unasked> {
    let shown = doubt(asked, made)?;
    let judged = asked
        .prompt
        .judge(&asked.prompt.commitment(), &made.trace, CONTEXT, &shown);
    Some(judged.unwrap())
}

#[test]
fn no_honest_answer_is_at_fault_however_it_ends() {
    let (_dir, out) = made_up();
    let mut model = ExactText::load(&out, cpu(), KernelChoice::Auto).unwrap();
    let prompts = prompts(&out);
    let mut ends = Vec::new();
    for seed in 0..400u64 {
        let prompt = match seed % 3 {
            0 => Prompt::Raw("hello the bell".to_owned()),
            1 => Prompt::Raw("tell".repeat(1 + seed as usize % 7)),
            _ => chat("he"),
        };
        let params = params(seed as usize % 60, (seed % 11 > 0).then_some(seed));
        let asked = prompts.of_chat(&prompt, &params, SALT).unwrap();
        let made = answer(&mut model, &prompt, params);
        assert_eq!(asked.tokens, made.all_tokens[..asked.tokens.len()]);
        assert_eq!(doubt(&asked, &made), None, "{seed}: {:?}", made.generation.finish);
        ends.push(made.generation.finish);
    }
    for end in [
        FinishReason::EndToken,
        FinishReason::MaxTokens,
        FinishReason::ContextFull,
    ] {
        assert!(ends.contains(&end), "no answer ended so: {end:?}");
    }
}

#[test]
fn an_answer_that_was_broken_off_is_at_fault() {
    let (_dir, out) = made_up();
    let mut model = ExactText::load(&out, cpu(), KernelChoice::Auto).unwrap();
    let prompt = Prompt::Raw("hello".to_owned());
    let params = params(20, None);
    let asked = prompts(&out).of_chat(&prompt, &params, SALT).unwrap();
    let mut left = 3;
    let stop = |_, _: weft_engine::TokenEvent<'_>| {
        left -= 1;
        if left == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let made = model.generate(&[(prompt, params)], stop).unwrap().remove(0);
    assert_eq!(made.generation.finish, FinishReason::Stopped);
    assert_eq!(judged(&asked, &made), Some(Unasked::TooShort));
}

#[test]
fn a_server_commits_to_what_its_tokenizer_alone_does() {
    let (_dir, out) = made_up();
    let server = ExactServer::start(ExactText::load(&out, cpu(), KernelChoice::Auto).unwrap()).unwrap();
    let alone = prompts(&out);
    let own = |prompts: &Prompts, salt| {
        let asked = prompts.of_chat(&chat("hello"), &params(9, Some(4)), salt).unwrap();
        commitment(&[asked]).unwrap()
    };
    assert_eq!(own(server.prompts(), SALT), own(&alone, SALT));
    assert_ne!(own(&alone, SALT), own(&alone, [6; 32]));
    let wrong = alone.of_texts(&["hello"], SALT);
    assert!(matches!(wrong, Err(ExactError::OtherTask)));
    assert!(Prompts::from_files(&ModelFiles::default()).is_err());
    assert_eq!(commitment(&[]), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn an_answer_to_another_question_is_at_fault(
        text in "[a-z ]{1,8}",
        other in "[a-z ]{1,8}",
        (most, other_most) in (1usize..12, 1usize..12),
        (seed, other_seed) in (prop::option::of(0u64..3), prop::option::of(0u64..3)),
    ) {
        let (out, model) = shared();
        let mut model = model.lock().unwrap();
        let asked = prompts(out).of_chat(&Prompt::Raw(text.clone()), &params(most, seed), SALT).unwrap();
        let made = answer(&mut model, &Prompt::Raw(other.clone()), params(other_most, other_seed));
        let right = answer(&mut model, &Prompt::Raw(text.clone()), params(most, seed));
        prop_assert_eq!(judged(&asked, &right), None);
        let is_other = (&text, seed) != (&other, other_seed)
            || right.all_tokens != made.all_tokens;
        prop_assert_eq!(judged(&asked, &made).is_some(), is_other);
    }
}

/// One model for all cases.
fn shared() -> (&'static Path, &'static std::sync::Mutex<ExactText>) {
    static MODEL: std::sync::OnceLock<(TempDir, PathBuf, std::sync::Mutex<ExactText>)> = std::sync::OnceLock::new();
    let (_, out, model) = MODEL.get_or_init(|| {
        let (dir, out) = made_up();
        let model = ExactText::load(&out, cpu(), KernelChoice::Auto).unwrap();
        (dir, out, std::sync::Mutex::new(model))
    });
    (out, model)
}

#[test]
fn texts_to_embed_are_committed_to_together() {
    let float = models().join("minilm");
    assert!(
        float.exists(),
        "{} is missing; `weft models fetch minilm` gets it",
        float.display()
    );
    let dir = tempfile::tempdir().unwrap();
    convert(&float, dir.path(), &ConvertOptions::default(), cpu(), &mut |_| ()).unwrap();
    let mut model = ExactEmbedding::load(dir.path(), cpu(), KernelChoice::Auto).unwrap();
    let prompts = Prompts::from_files(&published(dir.path(), &SENTENCE_TOKENIZER)).unwrap();
    // The second is cut to what the model takes.
    let texts = ["A first text.".to_owned(), "word ".repeat(1_000), String::new()];
    let made = model.embed(&texts).unwrap();
    let asked = prompts.of_texts(&texts, SALT).unwrap();
    assert_eq!(asked, model.prompts().of_texts(&texts, SALT).unwrap());
    let root = commitment(&asked).unwrap();
    let fault = |place: usize, of: usize, shown: Shown| PromptFault {
        claimed: made.evidence[of].claimed.clone(),
        prompt: asked[place].prompt.clone(),
        among: among(&asked, place),
        shown,
    };
    let doubt = |place: usize, of: usize| {
        let shown = &made.evidence[of];
        let (trace, context) = (&shown.claimed.claim.trace, shown.claimed.claim.config.context);
        let tokens = &shown.sketch.tokens;
        asked[place]
            .prompt
            .doubt(&asked[place].tokens, trace, tokens, context as u32)
    };
    assert_eq!(asked.len(), texts.len());
    for (place, asked) in asked.iter().enumerate() {
        assert_eq!(doubt(place, place), None);
        assert_ne!(asked.prompt.salt, SALT);
    }
    // One of another number of texts, and one for another text in its place.
    assert_eq!(fault(1, 1, Shown::Header).judge(&root), Err(NotUnasked::AsAsked));
    let two = prompts.of_texts(&texts[..2], SALT).unwrap();
    let other = PromptFault {
        prompt: two[0].prompt.clone(),
        among: among(&two, 0),
        ..fault(0, 0, Shown::Header)
    };
    assert_eq!(other.judge(&commitment(&two).unwrap()), Ok(Unasked::Texts));
    let swapped = [texts[1].clone(), texts[0].clone(), texts[2].clone()];
    let swapped = prompts.of_texts(&swapped, SALT).unwrap();
    let shown = {
        let shown = &made.evidence[0];
        let trace = &shown.claimed.claim.trace;
        swapped[0]
            .prompt
            .doubt(&swapped[0].tokens, trace, &shown.sketch.tokens, 512)
    };
    let other = PromptFault {
        prompt: swapped[0].prompt.clone(),
        among: among(&swapped, 0),
        ..fault(0, 0, shown.unwrap())
    };
    assert_eq!(other.judge(&commitment(&swapped).unwrap()), Ok(Unasked::Given));
    // A text alone is its own commitment.
    let alone = prompts.of_texts(&texts[..1], SALT).unwrap();
    assert_eq!(commitment(&alone), Some(alone[0].prompt.commitment()));
    assert_eq!(among(&alone, 0), None);
    let chat = prompts.of_chat(&chat("hello"), &params(1, None), SALT);
    assert!(matches!(chat, Err(ExactError::OtherTask)));
}

#[test]
fn a_chat_with_smollm2_can_be_committed_to() {
    let file = models().join("smollm2/SmolLM2-135M-Instruct.Q4_1.gguf");
    assert!(
        file.exists(),
        "{} is missing; `weft models fetch smollm2` gets it",
        file.display()
    );
    let tokenizer = [(TOKENIZER.to_owned(), std::fs::read(&file).unwrap())];
    let prompts = Prompts::from_files(&tokenizer.into_iter().collect()).unwrap();
    let asked = prompts
        .of_chat(&chat("What is a receipt?"), &params(12, None), SALT)
        .unwrap();
    let prompt = &asked.prompt;
    assert_eq!((prompt.given as usize, prompt.most), (asked.tokens.len(), 12));
    assert!(
        !prompt.ends.is_empty(),
        "an answer that ends by itself would be broken off"
    );
}

fn models() -> PathBuf {
    match std::env::var_os("WEFT_MODELS") {
        Some(models) => PathBuf::from(models),
        None => PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/weft/models"),
    }
}
