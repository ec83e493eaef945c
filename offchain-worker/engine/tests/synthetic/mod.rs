//! Small models made up on the spot: writers of GGUF and safetensors, and weights from a fixed generator.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod plain;

use weft_engine::quant::GgmlType;
use weft_engine::sampler::Xoshiro256;

/// A GGUF file in the making.
pub struct GgufWriter {
    pub version: u32,
    pub metadata: Vec<(String, Vec<u8>)>,
    pub tensors: Vec<TensorEntry>,
}

pub struct TensorEntry {
    pub name: String,
    pub dimensions: Vec<u64>,
    pub encoding: u32,
    /// Offset to write instead of the right one.
    pub offset: Option<u64>,
    pub bytes: Vec<u8>,
}

pub fn text(value: &str) -> Vec<u8> {
    [&(value.len() as u64).to_le_bytes(), value.as_bytes()].concat()
}

impl GgufWriter {
    pub fn new() -> Self {
        Self {
            version: 3,
            metadata: Vec::new(),
            tensors: Vec::new(),
        }
    }

    /// An entry of type number `of` with its value as it stands in the file.
    pub fn entry(&mut self, key: &str, of: u32, value: &[u8]) {
        let entry = [&of.to_le_bytes(), value].concat();
        self.metadata.push((key.to_owned(), entry));
    }

    pub fn u32(&mut self, key: &str, value: u32) {
        self.entry(key, 4, &value.to_le_bytes());
    }

    pub fn f32(&mut self, key: &str, value: f32) {
        self.entry(key, 6, &value.to_le_bytes());
    }

    pub fn bool(&mut self, key: &str, value: bool) {
        self.entry(key, 7, &[value.into()]);
    }

    pub fn text(&mut self, key: &str, value: &str) {
        self.entry(key, 8, &text(value));
    }

    pub fn texts(&mut self, key: &str, values: &[String]) {
        let items: Vec<u8> = values.iter().flat_map(|value| text(value)).collect();
        let head = [&8u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes()].concat();
        self.entry(key, 9, &[head, items].concat());
    }

    pub fn i32s(&mut self, key: &str, values: &[i32]) {
        let items: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let head = [&5u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes()].concat();
        self.entry(key, 9, &[head, items].concat());
    }

    pub fn remove(&mut self, key: &str) {
        self.metadata.retain(|(name, _)| name != key);
    }

    pub fn tensor(&mut self, name: &str, dimensions: &[u64], encoding: GgmlType, bytes: Vec<u8>) {
        self.tensors.push(TensorEntry {
            name: name.to_owned(),
            dimensions: dimensions.to_vec(),
            encoding: encoding.id(),
            offset: None,
            bytes,
        });
    }

    pub fn finish(&self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(self.version.to_le_bytes());
        file.extend((self.tensors.len() as u64).to_le_bytes());
        file.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, value) in &self.metadata {
            file.extend(text(key));
            file.extend(value);
        }
        let mut data = Vec::new();
        for tensor in &self.tensors {
            data.resize(data.len().next_multiple_of(32), 0);
            file.extend(text(&tensor.name));
            file.extend((tensor.dimensions.len() as u32).to_le_bytes());
            file.extend(tensor.dimensions.iter().flat_map(|size| size.to_le_bytes()));
            file.extend(tensor.encoding.to_le_bytes());
            file.extend(tensor.offset.unwrap_or(data.len() as u64).to_le_bytes());
            data.extend(&tensor.bytes);
        }
        file.resize(file.len().next_multiple_of(32), 0);
        file.extend(data);
        file
    }
}

/// A number in [-1, 1).
pub fn signed(rng: &mut Xoshiro256) -> f32 {
    (rng.next_unit() * 2.0 - 1.0) as f32
}

/// Random weights of about the size that keeps activations near 1, in any encoding.
pub fn random_matrix(encoding: GgmlType, rows: usize, columns: usize, rng: &mut Xoshiro256) -> Vec<u8> {
    let blocks = rows * columns / encoding.block_weights();
    let mut bytes = Vec::new();
    for _ in 0..blocks {
        let mut block: Vec<u8> = (0..encoding.block_bytes()).map(|_| rng.next_u64() as u8).collect();
        // Scales as powers of two in binary16: 2^-n is (15 - n) << 10.
        let mut scale = |at: usize, n: u16| {
            block[at..at + 2].copy_from_slice(&((15 - n) << 10).to_le_bytes());
        };
        match encoding {
            GgmlType::F32 => block = (signed(rng) / 4.0).to_le_bytes().to_vec(),
            GgmlType::F16 => {
                let exponent = 10 + (rng.next_u64() % 3) as u16;
                let bits = (rng.next_u64() as u16 & 0x83ff) | (exponent << 10);
                block = bits.to_le_bytes().to_vec();
            }
            GgmlType::BF16 => block = (signed(rng) / 4.0).to_le_bytes()[2..].to_vec(),
            GgmlType::Q4_0 => scale(0, 5),
            GgmlType::Q5_0 => scale(0, 6),
            GgmlType::Q8_0 => scale(0, 9),
            GgmlType::Q4_1 => {
                scale(0, 5);
                // A minimum of -0.25 centres 0 ..= 15 of 2^-5.
                block[2..4].copy_from_slice(&0xb400u16.to_le_bytes());
            }
            GgmlType::Q5_1 => {
                scale(0, 6);
                block[2..4].copy_from_slice(&0xb400u16.to_le_bytes());
            }
            GgmlType::Q4K => {
                scale(0, 10);
                scale(2, 8);
            }
            GgmlType::Q6K => scale(208, 12),
        }
        bytes.extend(block);
    }
    bytes
}

/// Shape of a made-up Llama model.
#[derive(Clone)]
pub struct LlamaShape {
    pub layers: usize,
    pub width: usize,
    pub inner: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub context: usize,
    pub encoding: GgmlType,
    pub tied: bool,
    pub seed: u64,
}

impl Default for LlamaShape {
    fn default() -> Self {
        Self {
            layers: 2,
            width: 64,
            inner: 96,
            heads: 4,
            kv_heads: 2,
            context: 48,
            encoding: GgmlType::Q4_1,
            tied: true,
            seed: 1,
        }
    }
}

pub const BEGIN: u32 = 256;
pub const END: u32 = 257;

/// The characters that stand for bytes 0 ..= 255 in GPT-2's alphabet.
pub fn byte_alphabet() -> Vec<String> {
    let printable = |byte: u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let mut others = 256..;
    (0..256u32)
        .map(|byte| if printable(byte) { byte } else { others.next().unwrap() })
        .map(|code| char::from_u32(code).unwrap().to_string())
        .collect()
}

/// A GGUF file with a tokenizer of single bytes, a few merges and two control tokens.
pub fn llama(shape: &LlamaShape) -> GgufWriter {
    let mut file = GgufWriter::new();
    file.text("general.architecture", "llama");
    file.u32("llama.block_count", shape.layers as u32);
    file.u32("llama.context_length", shape.context as u32);
    file.u32("llama.embedding_length", shape.width as u32);
    file.u32("llama.feed_forward_length", shape.inner as u32);
    file.u32("llama.attention.head_count", shape.heads as u32);
    file.u32("llama.attention.head_count_kv", shape.kv_heads as u32);
    file.f32("llama.attention.layer_norm_rms_epsilon", 1e-5);
    file.f32("llama.rope.freq_base", 10_000.0);

    let mut tokens = byte_alphabet();
    tokens.extend(["<|begin|>", "<|end|>", "he", "ll", "hell", "Ġt"].map(String::from));
    let mut types = vec![1; tokens.len()];
    types[BEGIN as usize] = 3;
    types[END as usize] = 3;
    file.text("tokenizer.ggml.model", "gpt2");
    file.text("tokenizer.ggml.pre", "smollm");
    file.texts("tokenizer.ggml.tokens", &tokens);
    file.i32s("tokenizer.ggml.token_type", &types);
    file.texts(
        "tokenizer.ggml.merges",
        &["h e", "l l", "he ll", "Ġ t"].map(String::from),
    );
    file.u32("tokenizer.ggml.bos_token_id", BEGIN);
    file.u32("tokenizer.ggml.eos_token_id", END);
    file.text(
        "tokenizer.chat_template",
        "{% for m in messages %}<|begin|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|begin|>assistant\n{% endif %}",
    );

    let mut rng = Xoshiro256::from_seed(shape.seed);
    let mut matrix = |name: &str, rows: usize, columns: usize| {
        let bytes = random_matrix(shape.encoding, rows, columns, &mut rng);
        file.tensor(name, &[columns as u64, rows as u64], shape.encoding, bytes);
    };
    let keys = shape.width / shape.heads * shape.kv_heads;
    matrix("token_embd.weight", tokens.len(), shape.width);
    if !shape.tied {
        matrix("output.weight", tokens.len(), shape.width);
    }
    for layer in 0..shape.layers {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        matrix(&name("attn_q"), shape.width, shape.width);
        matrix(&name("attn_k"), keys, shape.width);
        matrix(&name("attn_v"), keys, shape.width);
        matrix(&name("attn_output"), shape.width, shape.width);
        matrix(&name("ffn_gate"), shape.inner, shape.width);
        matrix(&name("ffn_up"), shape.inner, shape.width);
        matrix(&name("ffn_down"), shape.width, shape.inner);
    }
    let mut gain = |name: String| {
        let values = (0..shape.width).flat_map(|_| (1.0 + signed(&mut rng) / 4.0).to_le_bytes());
        let bytes = values.collect();
        file.tensor(&name, &[shape.width as u64], GgmlType::F32, bytes);
    };
    gain("output_norm.weight".to_owned());
    for layer in 0..shape.layers {
        gain(format!("blk.{layer}.attn_norm.weight"));
        gain(format!("blk.{layer}.ffn_norm.weight"));
    }
    file
}

/// A safetensors file of `f32` tensors.
pub fn safetensors(tensors: &[(String, Vec<usize>, Vec<f32>)]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut data: Vec<u8> = Vec::new();
    for (name, shape, values) in tensors {
        let start = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        header.insert(
            name.clone(),
            serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, data.len()] }),
        );
    }
    let mut header = serde_json::to_vec(&header).unwrap();
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
}

/// The largest difference of two vectors relative to the largest element.
pub fn relative_error(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let difference = found.iter().zip(expected).fold(0.0f32, |most, (a, b)| {
        if (a - b).is_nan() {
            f32::NAN
        } else {
            most.max((a - b).abs())
        }
    });
    difference / largest
}
