//! Buffers of a GPU, and what it says when it fails.

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::error::GpuError;

/// How long the device may take to tell that a result is there, which it has said already.
const ANSWER: Duration = Duration::from_secs(30);

/// The device that computes, shared with Burn.
#[derive(Clone)]
pub struct Gpu {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    /// As people know it.
    pub name: String,
}

impl Gpu {
    /// A buffer with words in it.
    pub fn filled(&self, what: &'static str, words: &[u32]) -> Result<wgpu::Buffer, GpuError> {
        let buffer = self.empty(what, words.len())?;
        if !words.is_empty() {
            self.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(words));
        }
        Ok(buffer)
    }

    /// A buffer for as many words, all 0; at least four.
    pub fn empty(&self, what: &'static str, words: usize) -> Result<wgpu::Buffer, GpuError> {
        let size = (words.max(4) as u64).saturating_mul(4);
        let limits = self.device.limits();
        let limit = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
        if size > limit {
            return Err(GpuError::TooLarge {
                what,
                bytes: size,
                limit,
            });
        }
        Ok(self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(what),
            size,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        }))
    }

    /// Runs something and turns what the device says about it into an error.
    pub fn guarded<T>(&self, work: impl FnOnce() -> Result<T, GpuError>) -> Result<T, GpuError> {
        let filters = [
            wgpu::ErrorFilter::Validation,
            wgpu::ErrorFilter::OutOfMemory,
            wgpu::ErrorFilter::Internal,
        ];
        let scopes = filters.map(|filter| self.device.push_error_scope(filter));
        let made = work();
        let mut failed = None;
        // Scopes are a stack.
        for scope in scopes.into_iter().rev() {
            failed = ready(scope.pop()).flatten().or(failed);
        }
        match failed {
            Some(error) => Err(GpuError::Failed {
                reason: error.to_string(),
            }),
            None => made,
        }
    }

    /// Words of several buffers, read back: of each some words from a first one on.
    pub fn read(&self, parts: &[(&wgpu::Buffer, usize, usize)]) -> Result<Vec<Vec<u32>>, GpuError> {
        let failed = |reason: String| GpuError::Failed { reason };
        let total: usize = parts.iter().map(|(_, _, words)| words).sum();
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("results"),
            size: 4 * total.max(1) as u64,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut to = 0;
        for (buffer, first, words) in parts {
            let bytes = 4 * *words as u64;
            encoder.copy_buffer_to_buffer(buffer, 4 * *first as u64, &staging, to, bytes);
            to += bytes;
        }
        self.queue.submit([encoder.finish()]);
        let (sender, mapped) = mpsc::channel();
        staging.map_async(wgpu::MapMode::Read, .., move |result| {
            // Whoever waits has gone only if it failed before.
            let _ = sender.send(result);
        });
        self.device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|error| failed(error.to_string()))?;
        // Where several threads wait, one of them runs what all are told.
        match mapped.recv_timeout(ANSWER) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(failed(error.to_string())),
            Err(_) => return Err(failed("it does not answer".to_owned())),
        }
        let bytes = staging
            .get_mapped_range(..)
            .map_err(|error| failed(error.to_string()))?;
        let mut words = bytes
            .chunks_exact(4)
            .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        Ok(parts
            .iter()
            .map(|(_, _, count)| words.by_ref().take(*count).collect())
            .collect())
    }
}

/// What a future gives that is ready: those of native devices are.
fn ready<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
