//! What the positions of a sequence keep: keys and values of every head, laid out for products.

use weft_exact::{
    attention::BLOCK,
    fixed::Scale,
    program::{Config, Kept},
};

use crate::kernel::{panels::Panels, rows::RowScales};

/// Keys and values of one head of a layer.
#[derive(Clone, Debug, Default)]
pub struct HeadCache {
    /// A row for each position.
    pub keys: Panels,
    /// Of the keys.
    pub key_scales: RowScales,
    /// For each block of positions: a row for each element, a column for each position.
    pub values: Vec<Panels>,
    /// Of the values.
    pub value_scales: RowScales,
    /// Positions that are expected; as many as come if 0.
    expected: usize,
}

/// A sequence.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    /// Layer by layer, head by head.
    pub heads: Vec<HeadCache>,
    /// Positions.
    pub length: usize,
}

impl Cache {
    /// Empty, for a model.
    pub fn new(config: &Config) -> Self {
        Self::expecting(config, 0)
    }

    /// Empty, for so many positions: it takes no room for more, which may come nevertheless.
    pub fn expecting(config: &Config, expected: usize) -> Self {
        let head = |_| HeadCache {
            expected,
            key_scales: RowScales::with_room(expected),
            value_scales: RowScales::with_room(expected),
            ..HeadCache::default()
        };
        Self {
            heads: (0..config.layers * config.kv_heads).map(head).collect(),
            length: 0,
        }
    }
}

impl HeadCache {
    /// Appends keys and values of `width` elements: each of the rows' bytes has `offset` added, which is taken off.
    pub fn push(&mut self, key: &[u8], key_scale: Scale, value: &[u8], value_scale: Scale, offset: u8, width: usize) {
        let position = self.key_scales.len();
        if position >= self.keys.rows() {
            if self.keys.columns() == 0 {
                self.keys = Panels::zeros(0, width);
            }
            self.keys.grow((position + 1).max(position * 3 / 2).max(self.expected));
        }
        if position.is_multiple_of(BLOCK) {
            let left = self.expected.saturating_sub(position);
            let columns = if left == 0 { BLOCK } else { left.min(BLOCK) };
            self.values.push(Panels::zeros(width, columns));
        } else if let Some(values) = self.values.last_mut()
            && position % BLOCK >= values.columns()
        {
            // More than expected.
            let mut wider = Panels::zeros(width, BLOCK);
            let mut column = vec![0; width];
            for position in 0..position % BLOCK {
                values.read_column(position, &mut column);
                wider.fill_column(position, &column, 0);
            }
            *values = wider;
        }
        self.keys.fill_row(position, &key[..width], offset);
        if let Some(values) = self.values.last_mut() {
            values.fill_column(position % BLOCK, &value[..width], offset);
        }
        self.key_scales.push(key_scale);
        self.value_scales.push(value_scale);
    }

    /// Appends the bytes of a position's key or value, as a trace has them.
    pub fn bytes(&self, kind: Kept, position: usize, width: usize, bytes: &mut Vec<u8>) {
        let scale = match kind {
            Kept::Key => self.key_scales.get(position),
            _ => self.value_scales.get(position),
        };
        bytes.extend(scale.mantissa.to_le_bytes());
        bytes.extend(scale.shift.to_le_bytes());
        let first = bytes.len();
        bytes.resize(first + width, 0);
        match kind {
            Kept::Key => self.keys.read_row(position, &mut bytes[first..]),
            _ => self.values[position / BLOCK].read_column(position % BLOCK, &mut bytes[first..]),
        }
    }
}
