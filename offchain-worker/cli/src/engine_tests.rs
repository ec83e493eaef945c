use super::*;

#[path = "../../engine/tests/synthetic/mod.rs"]
mod synthetic;

/// A made-up exact text model's files.
fn exact_text() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("float.gguf"), dir.path().join("exact"));
    std::fs::write(&file, synthetic::llama(&synthetic::LlamaShape::default()).finish()).unwrap();
    let options = exact::ConvertOptions {
        fitting: exact::Fitting::None,
        ..exact::ConvertOptions::default()
    };
    let device = "cpu:1".parse().unwrap();
    exact::convert(&file, &out, &options, device, &mut |_| ()).unwrap();
    (dir, out)
}

#[test]
fn a_request_is_held_to_what_its_job_commits_to() {
    let (_dir, out) = exact_text();
    let source = check(&out).unwrap();
    assert_eq!(source.tokenizer(), [exact::TOKENIZER]);
    let read: Vec<(String, Vec<u8>)> = source
        .files
        .iter()
        .map(|(name, path)| (name.clone(), std::fs::read(path).unwrap()))
        .collect();
    let files: Vec<(&str, &[u8])> = read.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    let compute = Compute {
        device: "cpu:1".parse().unwrap(),
    };
    let loaded = Loaded::from_files(source.kind, &files, source.exact_root, &compute).unwrap();
    // Who asks has the tokenizer alone.
    let tokenizer: ModelFiles = read
        .iter()
        .filter(|(name, _)| name == exact::TOKENIZER)
        .cloned()
        .collect();
    let prompts = Prompts::from_files(&tokenizer).unwrap();
    let salted = |text: &str, salt: [u8; 32]| {
        let mut request = Request::prompt(text.to_owned(), 4, None);
        request.set_salt(salt);
        request
    };
    let request = salted("hell", [1; 32]);
    let asked = asked_for(&prompts, &request, 4).unwrap().unwrap();
    let commitment = exact::commitment(&asked).unwrap();
    loaded.hold_to(&commitment, &request, 4).unwrap();
    // A limit above what is asked for changes nothing.
    loaded.hold_to(&commitment, &request, 9).unwrap();
    let refused = |request: &Request, limit| {
        let why = loaded.hold_to(&commitment, request, limit).unwrap_err();
        assert!(matches!(why, Unanswered::OtherPrompt), "{why}");
        assert_eq!(why.why(), Decline::InputUnsuitable);
    };
    refused(&request, 3);
    refused(&salted("hello", [1; 32]), 4);
    refused(&salted("hell", [2; 32]), 4);
    refused(&Request::prompt("hell".into(), 4, None), 4);
    let unsalted = asked_for(&prompts, &Request::prompt("hell".into(), 4, None), 4);
    assert!(matches!(unsalted, Ok(None)));
    let mut embed = Request::Embed(Embed {
        texts: vec!["hell".into()],
        salt: None,
    });
    embed.set_salt([1; 32]);
    let other = loaded.hold_to(&commitment, &embed, 4);
    assert!(matches!(other, Err(Unanswered::WrongTask)));
}
