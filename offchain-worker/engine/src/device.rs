//! Where a model computes: one parameter, two devices.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use burn::tensor::Device as TensorDevice;
use rayon::{ThreadPool, ThreadPoolBuilder};
use thiserror::Error;

/// Where a model computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Device {
    /// This machine's processor, through `burn-flex` and the engine's own products over stored weights.
    Cpu {
        /// Threads to compute with; as many as there are processors where none is given.
        threads: Option<NonZeroUsize>,
    },
    /// The default adapter of wgpu (Vulkan, Metal or DirectX 12), through `burn-wgpu`.
    /// The environment variable `CUBECL_WGPU_DEFAULT_DEVICE` chooses another.
    Wgpu,
}

impl Default for Device {
    fn default() -> Self {
        Self::Cpu { threads: None }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu { threads: None } => f.write_str("cpu"),
            Self::Cpu { threads: Some(threads) } => write!(f, "cpu:{threads}"),
            Self::Wgpu => f.write_str("wgpu"),
        }
    }
}

/// Why a device cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DeviceError {
    /// A name that is none of a device.
    #[error("`{name}` names no device; use `cpu`, `cpu:THREADS` or `wgpu`")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// wgpu found nothing to compute on.
    #[error(
        "no GPU is usable through wgpu: {message}; install a Vulkan driver (software: mesa-vulkan-drivers) or use `cpu`"
    )]
    NoAdapter {
        /// What wgpu said.
        message: String,
    },
    /// The system refuses to start threads.
    #[error("cannot start {threads} compute threads: {message}")]
    NoThreads {
        /// Threads asked for.
        threads: usize,
        /// What the system said.
        message: String,
    },
}

impl FromStr for Device {
    type Err = DeviceError;

    /// `cpu`, `cpu:4` (four threads) or `wgpu`.
    fn from_str(name: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::UnknownName { name: name.to_owned() };
        match name.split_once(':') {
            None if name == "cpu" => Ok(Self::Cpu { threads: None }),
            None if name == "wgpu" => Ok(Self::Wgpu),
            Some(("cpu", threads)) => Ok(Self::Cpu {
                threads: Some(threads.parse().map_err(|_| unknown())?),
            }),
            _ => Err(unknown()),
        }
    }
}

impl Device {
    /// Whether the device is there, and what it is called. Never panics; the first call for [`Device::Wgpu`] opens the
    /// adapter for the rest of the process.
    pub fn probe(&self) -> Result<String, DeviceError> {
        match self {
            Self::Cpu { threads } => Ok(format!("CPU, {} threads", thread_count(*threads))),
            Self::Wgpu => wgpu().map(|adapter| adapter.name),
        }
    }

    /// Makes the device ready to compute.
    pub(crate) fn open(&self) -> Result<OpenDevice, DeviceError> {
        match self {
            Self::Cpu { threads } => {
                let threads = thread_count(*threads);
                let pool = ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .thread_name(|index| format!("engine-{index}"))
                    .build()
                    .map_err(|error| DeviceError::NoThreads {
                        threads,
                        message: error.to_string(),
                    })?;
                Ok(OpenDevice {
                    tensors: TensorDevice::flex(),
                    pool: Some(Arc::new(pool)),
                })
            }
            Self::Wgpu => Ok(OpenDevice {
                tensors: wgpu()?.device,
                pool: None,
            }),
        }
    }
}

fn thread_count(asked: Option<NonZeroUsize>) -> usize {
    asked
        .or_else(|| std::thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get)
}

#[derive(Clone)]
struct Adapter {
    device: TensorDevice,
    raw: wgpu::Device,
    queue: wgpu::Queue,
    name: String,
}

/// The device beneath Burn's, for kernels of our own, and its name.
pub(crate) fn wgpu_device() -> Result<(wgpu::Device, wgpu::Queue, String), DeviceError> {
    wgpu().map(|adapter| (adapter.raw, adapter.queue, adapter.name))
}

/// The process's wgpu adapter. Burn registers a runtime once and for all, so the outcome is kept, failure included.
fn wgpu() -> Result<Adapter, DeviceError> {
    static ADAPTER: OnceLock<Result<Adapter, DeviceError>> = OnceLock::new();
    ADAPTER
        .get_or_init(|| match TensorDevice::wgpu_options().init_with_setup() {
            Ok((device, setup)) => {
                let info = setup.adapter.get_info();
                Ok(Adapter {
                    device,
                    raw: setup.device,
                    queue: setup.queue,
                    name: format!("{} ({:?}, {:?})", info.name, info.backend, info.device_type),
                })
            }
            Err(error) => Err(DeviceError::NoAdapter {
                message: error.to_string(),
            }),
        })
        .clone()
}

/// A device ready to compute.
#[derive(Clone)]
pub(crate) struct OpenDevice {
    /// Where Burn puts tensors.
    pub(crate) tensors: TensorDevice,
    /// Threads of the CPU device.
    pool: Option<Arc<ThreadPool>>,
}

impl OpenDevice {
    /// Whether weights may stay on the host in their stored encoding.
    pub(crate) fn is_host(&self) -> bool {
        self.pool.is_some()
    }

    /// How many of `count` equal pieces of work to compute as one: all on a GPU; on the CPU such a share that every thread
    /// has two, to even out what else the machine does. At least 1.
    pub(crate) fn share(&self, count: usize) -> usize {
        let shares = self.pool.as_ref().map_or(1, |pool| 2 * pool.current_num_threads());
        count.div_ceil(shares).max(1)
    }

    /// Computes on this device's threads.
    pub(crate) fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_and_print() {
        for name in ["cpu", "cpu:3", "wgpu"] {
            assert_eq!(name.parse::<Device>().unwrap().to_string(), name);
        }
        for name in ["", "cuda", "cpu:", "cpu:0", "cpu:x", "cpu:-1", "wgpu:1", "CPU"] {
            let error = name.parse::<Device>().unwrap_err();
            assert!(error.to_string().contains("cpu:THREADS"), "{name}: {error}");
        }
    }

    #[test]
    fn the_cpu_is_always_there() {
        let device = "cpu:3".parse::<Device>().unwrap();
        assert_eq!(device.probe().unwrap(), "CPU, 3 threads");
        assert_eq!(device.open().unwrap().run(rayon::current_num_threads), 3);
    }
}
