//! Keys and values of the positions computed so far.

use burn::tensor::{Device as TensorDevice, Tensor};

use super::LlamaConfig;
use crate::device::OpenDevice;

/// Capacity grows in steps of so many positions.
const STEP: usize = 256;

/// Keys and values of all layers. Room grows with the sequence, by half at least, so that a short one takes little memory
/// and a long one is copied seldom.
pub(super) struct KeyValueCache {
    layers: Vec<Option<LayerCache>>,
    kv_heads: usize,
    head_width: usize,
    context: usize,
    length: usize,
    capacity: usize,
    device: TensorDevice,
}

/// `[kv heads, capacity, head width]` each.
struct LayerCache {
    keys: Tensor<3>,
    values: Tensor<3>,
}

impl KeyValueCache {
    pub(super) fn new(config: &LlamaConfig, device: &OpenDevice) -> Self {
        Self {
            layers: (0..config.layers).map(|_| None).collect(),
            kv_heads: config.kv_heads,
            head_width: config.head_width,
            context: config.context,
            length: 0,
            capacity: 0,
            device: device.tensors.clone(),
        }
    }

    /// Positions that all layers hold.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Makes room for `count` more positions.
    pub(super) fn reserve(&mut self, count: usize) {
        let needed = self.length + count;
        if needed > self.capacity {
            let wanted = needed.max(self.capacity + self.capacity / 2);
            self.capacity = wanted.next_multiple_of(STEP).min(self.context).max(needed);
        }
    }

    /// Counts `count` positions, which [`Self::append`] wrote in every layer.
    pub(super) fn advance(&mut self, count: usize) {
        self.length += count;
    }

    /// Writes keys and values `[kv heads, count, head width]` of the next positions of `layer`, for which
    /// [`Self::reserve`] made room, and returns all of that layer, `[kv heads, length + count, head width]`.
    pub(super) fn append(&mut self, layer: usize, keys: Tensor<3>, values: Tensor<3>) -> [Tensor<3>; 2] {
        let end = self.length + keys.dims()[1];
        let held = self.layers.get_mut(layer).and_then(Option::take);
        let (old_keys, old_values) = match held {
            Some(held) => (Some(held.keys), Some(held.values)),
            None => (None, None),
        };
        let keys = self.write(old_keys, keys, end);
        let values = self.write(old_values, values, end);
        let views = [&keys, &values].map(|all| all.clone().narrow(1, 0, end));
        if let Some(slot) = self.layers.get_mut(layer) {
            *slot = Some(LayerCache { keys, values });
        }
        views
    }

    /// `new` put at positions `length..end` of `old`. Burn writes in place where nobody else holds the tensor, so the
    /// old one is handed over, not lent.
    fn write(&self, old: Option<Tensor<3>>, new: Tensor<3>, end: usize) -> Tensor<3> {
        let (heads, width) = (self.kv_heads, self.head_width);
        let room = match old {
            Some(old) if old.dims()[1] >= self.capacity => old,
            Some(old) => self.empty().slice_assign([0..heads, 0..old.dims()[1], 0..width], old),
            None => self.empty(),
        };
        room.slice_assign([0..heads, self.length..end, 0..width], new)
    }

    fn empty(&self) -> Tensor<3> {
        let shape = [self.kv_heads, self.capacity, self.head_width];
        Tensor::zeros(shape, &self.device)
    }
}
