//! Loops over floats for whatever vectors a processor has.
//!
//! No loop gives other bits with wider vectors: sums run in a fixed number of lanes, and no multiplication is fused with an addition.

/// Sums that run side by side; the widest vectors have as many.
pub const LANES: usize = 16;

/// Something to be computed by whatever instructions there are.
pub trait Kernel {
    /// What comes out.
    type Output;
    /// Computes it. To be inlined always: it is compiled for each width.
    fn run(self) -> Self::Output;
}

/// Runs a kernel compiled for the widest vectors that this processor has.
pub fn widest<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f")]
        fn avx512<K: Kernel>(kernel: K) -> K::Output {
            kernel.run()
        }
        #[target_feature(enable = "avx2")]
        fn avx2<K: Kernel>(kernel: K) -> K::Output {
            kernel.run()
        }
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the feature that the function is compiled for.
            return unsafe { avx512(kernel) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { avx2(kernel) };
        }
    }
    kernel.run()
}

/// The sum of the lanes, always in the same order.
#[inline(always)]
pub fn fold<T: Copy + std::ops::AddAssign>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}
