//! The kernels: sources in WGSL, compiled for a device.

use super::error::GpuError;
use super::memory::Gpu;

/// Rows that a thread of the products' kernel takes together.
pub const ROWS: usize = 8;

/// Outputs of a workgroup of the products' kernel.
pub const OUTPUTS: usize = 64;

const ARITHMETIC: &str = include_str!("kernels/arithmetic.wgsl");

/// Sources of the kernels.
#[derive(Clone, Debug)]
pub struct Sources {
    /// `quantise` and `rms_norm`.
    pub quantise: String,
    /// Products with weights.
    pub products: String,
    /// Queries, keys and values.
    pub heads: String,
    /// Attention.
    pub attention: String,
    /// `layer_norm`.
    pub layer_norm: String,
    /// SwiGLU and GELU.
    pub activation: String,
}

impl Default for Sources {
    fn default() -> Self {
        let of = |source: &str| format!("{ARITHMETIC}\n{source}");
        Self {
            quantise: of(include_str!("kernels/quantise.wgsl")),
            products: of(include_str!("kernels/products.wgsl")),
            heads: of(include_str!("kernels/heads.wgsl")),
            attention: of(include_str!("kernels/attention.wgsl")),
            layer_norm: of(include_str!("kernels/layer_norm.wgsl")),
            activation: of(include_str!("kernels/activation.wgsl")),
        }
    }
}

/// The kernels of a device.
#[derive(Clone)]
pub struct Kernels {
    pub quantise: wgpu::ComputePipeline,
    /// For one row, and for [`ROWS`].
    pub products: [wgpu::ComputePipeline; 2],
    pub heads: wgpu::ComputePipeline,
    pub attention: wgpu::ComputePipeline,
    pub layer_norm: wgpu::ComputePipeline,
    pub activation: wgpu::ComputePipeline,
}

impl Kernels {
    /// Compiles them.
    pub fn new(gpu: &Gpu, sources: &Sources) -> Result<Self, GpuError> {
        let compile = |name: &'static str, source: String| {
            let module = gpu.device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(name),
                source: wgpu::ShaderSource::Wgsl(source.into()),
            });
            gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(name),
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            })
        };
        gpu.guarded(|| {
            let products = |rows: usize| compile("products", sources.products.replace("ROWS", &rows.to_string()));
            Ok(Self {
                quantise: compile("quantise", sources.quantise.clone()),
                products: [products(1), products(ROWS)],
                heads: compile("heads", sources.heads.clone()),
                attention: compile("attention", sources.attention.clone()),
                layer_norm: compile("layer_norm", sources.layer_norm.clone()),
                activation: compile("activation", sources.activation.clone()),
            })
        })
    }
}
