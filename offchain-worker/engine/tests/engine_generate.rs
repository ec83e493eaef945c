//! Generation end to end on a made-up model: prompts, limits, streaming, sampling, and loading.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod synthetic;

use std::ops::ControlFlow;

use synthetic::{BEGIN, END, GgufWriter, LlamaShape, llama};
use weft_engine::{
    Device, EngineError, FinishReason, Generation, GenerationParams, KindError, Message, ModelKind, Prompt,
    RandomSampling, Sampling, TextModel,
};

fn cpu() -> Device {
    "cpu:1".parse().unwrap()
}

fn load(file: &GgufWriter) -> TextModel {
    TextModel::from_bytes(file.finish(), cpu()).unwrap()
}

fn greedy(max_tokens: usize) -> GenerationParams {
    GenerationParams {
        max_tokens,
        sampling: Sampling::Greedy,
    }
}

fn random(seed: u64) -> GenerationParams {
    let sampling = RandomSampling {
        temperature: 1.5,
        seed,
        ..RandomSampling::default()
    };
    GenerationParams {
        max_tokens: 20,
        sampling: Sampling::Random(sampling),
    }
}

fn run(model: &mut TextModel, prompt: &Prompt, params: &GenerationParams) -> Generation {
    model.generate(prompt, params, |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn events_add_up_to_the_answer() {
    let mut model = load(&llama(&LlamaShape::default()));
    for params in [greedy(30), random(7), random(8)] {
        let (mut text, mut tokens) = (String::new(), Vec::new());
        let answer = model
            .generate(&Prompt::user("hello there"), &params, |event| {
                assert_eq!(event.index, tokens.len());
                tokens.push(event.token);
                text.push_str(event.text);
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(answer.tokens, tokens);
        // A character that was cut at the end is in the answer alone.
        assert!(answer.text.starts_with(&text));
        assert!(
            answer.text[text.len()..]
                .chars()
                .all(|c| c == char::REPLACEMENT_CHARACTER)
        );
        assert_eq!(answer.text, model.tokenizer().decode(&tokens));
        assert!(!tokens.contains(&END));
    }
}

#[test]
fn greedy_tokens_are_the_highest_logits() {
    let mut model = load(&llama(&LlamaShape::default()));
    let prompt = Prompt::Raw("hello".to_owned());
    let answer = run(&mut model, &prompt, &greedy(12));
    let mut fed = model.prompt_tokens(&prompt).unwrap();
    assert_eq!(answer.prompt_tokens, fed.len());
    for token in &answer.tokens {
        model.model_mut().reset();
        let logits = model.model_mut().advance(&fed).unwrap();
        let highest = logits.iter().copied().fold(f32::MIN, f32::max);
        assert!(
            highest - logits[*token as usize] < 1e-4,
            "token {token} is not the likeliest"
        );
        fed.push(*token);
    }
}

#[test]
fn seeds_repeat_and_differ() {
    let mut model = load(&llama(&LlamaShape::default()));
    let prompt = Prompt::user("x");
    let first = run(&mut model, &prompt, &random(1));
    assert_eq!(run(&mut model, &prompt, &random(1)).tokens, first.tokens);
    assert!((2..12).any(|seed| run(&mut model, &prompt, &random(seed)).tokens != first.tokens));
}

#[test]
fn a_generation_ends_for_the_reason_it_says() {
    let mut model = load(&llama(&LlamaShape::default()));
    let prompt = Prompt::Raw("abc".to_owned());
    let none = run(&mut model, &prompt, &greedy(0));
    assert_eq!((none.tokens.len(), none.finish), (0, FinishReason::MaxTokens));
    let three = run(&mut model, &prompt, &greedy(3));
    assert_eq!((three.tokens.len(), three.finish), (3, FinishReason::MaxTokens));
    assert_eq!(three.timings.decode_steps, 2);

    let stopped = model
        .generate(&prompt, &greedy(9), |event| {
            if event.index == 1 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .unwrap();
    assert_eq!(
        (stopped.tokens.as_slice(), stopped.finish),
        (&three.tokens[..2], FinishReason::Stopped)
    );

    // Three tokens of prompt and 45 fed back fill 48 positions; the last logits yield one more. Without an end token nothing
    // else can end it.
    let mut file = llama(&LlamaShape::default());
    file.remove("tokenizer.ggml.eos_token_id");
    let full = run(&mut load(&file), &prompt, &greedy(1000));
    assert_eq!((full.tokens.len(), full.finish), (46, FinishReason::ContextFull));
    assert_eq!(full.tokens[..3], three.tokens);

    // The likeliest token declared the end token ends the generation and is left out.
    let mut file = llama(&LlamaShape::default());
    file.remove("tokenizer.ggml.eos_token_id");
    file.u32("tokenizer.ggml.eos_token_id", three.tokens[2]);
    let repeats = three.tokens.iter().position(|token| *token == three.tokens[2]).unwrap();
    let ended = run(&mut load(&file), &prompt, &greedy(9));
    assert_eq!(ended.finish, FinishReason::EndToken);
    assert_eq!(ended.tokens, three.tokens[..repeats]);
}

#[test]
fn prompts_that_cannot_be_answered_are_errors() {
    let mut model = load(&llama(&LlamaShape::default()));
    let mut refuse = |prompt: &Prompt, params: &GenerationParams| {
        model.generate(prompt, params, |_| panic!("a token came")).unwrap_err()
    };
    let long = Prompt::Raw("1".repeat(48));
    assert!(matches!(
        refuse(&long, &greedy(1)),
        EngineError::PromptTooLong {
            tokens: 48,
            context: 48
        }
    ));
    assert!(matches!(
        refuse(&Prompt::Raw(String::new()), &greedy(1)),
        EngineError::EmptyPrompt
    ));
    let cold = RandomSampling {
        temperature: 0.0,
        ..RandomSampling::default()
    };
    let cold = GenerationParams {
        max_tokens: 1,
        sampling: Sampling::Random(cold),
    };
    assert!(matches!(
        refuse(&Prompt::Raw("x".to_owned()), &cold),
        EngineError::Sampler(_)
    ));

    let mut file = llama(&LlamaShape::default());
    file.remove("tokenizer.chat_template");
    let error = load(&file)
        .generate(&Prompt::user("x"), &greedy(1), |_| ControlFlow::Continue(()))
        .unwrap_err();
    assert!(matches!(error, EngineError::NoChatTemplate));
}

#[test]
fn a_conversation_goes_through_the_template_with_control_tokens_matched() {
    let model = load(&llama(&LlamaShape::default()));
    let tokens = model.prompt_tokens(&Prompt::Chat(vec![Message::user("hell")])).unwrap();
    let bytes = |text: &str| text.bytes().map(u32::from).collect::<Vec<u32>>();
    // "hell" is a merged token; role names and line breaks are bytes.
    let mut expected = vec![BEGIN];
    expected.extend(bytes("user\n"));
    expected.extend([260, END]);
    expected.extend(bytes("\n"));
    expected.push(BEGIN);
    expected.extend(bytes("assistant\n"));
    assert_eq!(tokens, expected);
}

#[test]
fn digits_stay_apart_and_text_survives_both_ways() {
    let model = load(&llama(&LlamaShape::default()));
    let tokenizer = model.tokenizer();
    for text in ["hello  there 12345", "naïve 🦀 中文\r\n\t", "'s 'll\u{0} ½²", "   "] {
        let tokens = tokenizer.encode(text).unwrap();
        assert_eq!(tokenizer.decode(&tokens), text);
    }
    assert_eq!(tokenizer.encode("hello").unwrap(), [260, b'o'.into()]);
    assert_eq!(tokenizer.decode(&[BEGIN, 104, END, 99_999]), "h");
    assert!(tokenizer.is_control(BEGIN) && !tokenizer.is_control(104));
}

#[test]
fn a_begin_token_is_put_in_front_once() {
    let mut file = llama(&LlamaShape::default());
    file.bool("tokenizer.ggml.add_bos_token", true);
    let model = load(&file);
    assert_eq!(model.tokenizer().encode("h").unwrap(), [BEGIN, 104]);
    assert_eq!(model.tokenizer().encode("<|begin|>h").unwrap(), [BEGIN, 104]);
}

#[test]
fn tokenizers_that_contradict_themselves_are_refused() {
    let refuse = |change: &dyn Fn(&mut GgufWriter)| {
        let mut file = llama(&LlamaShape::default());
        change(&mut file);
        match TextModel::from_bytes(file.finish(), cpu()) {
            Err(EngineError::Tokenizer(error)) => error.to_string(),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("the tokenizer was accepted"),
        }
    };
    let replace_text = |key: &'static str, value: &'static str| {
        refuse(&move |file: &mut GgufWriter| {
            file.remove(key);
            file.text(key, value);
        })
    };
    assert!(replace_text("tokenizer.ggml.model", "llama").contains("`llama`"));
    assert!(replace_text("tokenizer.ggml.pre", "qwen9").contains("`qwen9`"));
    assert!(refuse(&|file| file.remove("tokenizer.ggml.merges")).contains("merges"));
    let merges = |merge: &'static str| {
        refuse(&move |file: &mut GgufWriter| {
            file.remove("tokenizer.ggml.merges");
            file.texts("tokenizer.ggml.merges", &[merge.to_owned()]);
        })
    };
    assert!(merges("nospace").contains("nospace"));
    assert!(!merges("x y").is_empty());
    let end = refuse(&|file| {
        file.remove("tokenizer.ggml.eos_token_id");
        file.u32("tokenizer.ggml.eos_token_id", 70_000);
    });
    assert!(end.contains("70000"), "{end}");
    let types = refuse(&|file| {
        file.remove("tokenizer.ggml.token_type");
        file.i32s("tokenizer.ggml.token_type", &[1]);
    });
    assert!(types.contains("1 token types"), "{types}");
    let twice = refuse(&|file| {
        file.remove("tokenizer.ggml.tokens");
        file.texts("tokenizer.ggml.tokens", &vec!["a".to_owned(); 262]);
    });
    assert!(twice.contains("twice"), "{twice}");
}

#[test]
fn a_path_is_a_file_or_a_directory_with_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    assert!(matches!(
        ModelKind::detect(&path.join("absent")),
        Err(KindError::Io { .. })
    ));
    assert!(matches!(ModelKind::detect(path), Err(KindError::NoModel { .. })));

    let file = path.join("model.gguf");
    std::fs::write(&file, llama(&LlamaShape::default()).finish()).unwrap();
    assert_eq!(ModelKind::detect(path).unwrap(), ModelKind::Text(file.clone()));
    assert_eq!(ModelKind::detect(&file).unwrap(), ModelKind::Text(file.clone()));
    for from in [path, &file] {
        assert_eq!(TextModel::load(from, cpu()).unwrap().config().layers, 2);
    }

    std::fs::write(path.join("other.gguf"), b"GG").unwrap();
    assert!(matches!(
        ModelKind::detect(path),
        Err(KindError::Ambiguous { count: 2, .. })
    ));
    assert!(matches!(
        ModelKind::detect(&path.join("other.gguf")),
        Err(KindError::NotGguf { .. })
    ));
    let Err(error) = TextModel::load(&path.join("other.gguf"), cpu()) else {
        panic!("two bytes are no model")
    };
    assert!(error.to_string().contains("not a GGUF file"), "{error}");

    std::fs::write(path.join("config.json"), b"{}").unwrap();
    std::fs::write(path.join("model.safetensors"), b"").unwrap();
    assert_eq!(ModelKind::detect(path).unwrap(), ModelKind::Embedding(path.to_owned()));
}
