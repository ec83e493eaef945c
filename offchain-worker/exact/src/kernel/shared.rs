//! Buffers that several threads write, each its own part.

use std::{cell::UnsafeCell, ops::Range};

/// A slice whose parts different threads write at the same time.
pub struct Shared<'a, T> {
    cells: &'a [UnsafeCell<T>],
}

// SAFETY: access is by unsafe methods alone, whose callers promise that no two threads use the same element at a time.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    /// Of a slice, for as long as it is lent.
    pub fn new(slice: &'a mut [T]) -> Self {
        let (pointer, length) = (slice.as_mut_ptr().cast::<UnsafeCell<T>>(), slice.len());
        // SAFETY: an UnsafeCell has its content's layout, and the slice is lent to this value alone.
        Self {
            cells: unsafe { std::slice::from_raw_parts(pointer, length) },
        }
    }

    /// Elements.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// A part to write. Panics where the slice would.
    ///
    /// # Safety
    ///
    /// Until the borrow ends no other thread uses an element of the range, nor this one through another borrow.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        let cells = &self.cells[range];
        // SAFETY: the caller promises that this is the only borrow of these elements.
        unsafe { std::slice::from_raw_parts_mut(cells.as_ptr().cast_mut().cast::<T>(), cells.len()) }
    }

    /// A part to read.
    ///
    /// # Safety
    ///
    /// Until the borrow ends no thread writes an element of the range.
    pub unsafe fn read(&self, range: Range<usize>) -> &[T] {
        let cells = &self.cells[range];
        // SAFETY: the caller promises that nobody writes these elements meanwhile.
        unsafe { std::slice::from_raw_parts(cells.as_ptr().cast::<T>(), cells.len()) }
    }
}
