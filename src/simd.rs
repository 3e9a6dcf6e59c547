//! The one home of code for particular processors: loops that the compiler turns into vector instructions, compiled twice.
//!
//! Its unsafe code runs under [Miri](https://github.com/rust-lang/miri), which is told that the processor has what is asked for:
//!
//! ```sh
//! RUSTFLAGS="-C target-feature=+avx2,+bmi1,+bmi2,+lzcnt" cargo +nightly miri test --lib simd::
//! ```

/// Calls `work`, compiled for processors with AVX2 and BMI2 where this is one, else as everything is. The result is the same.
///
/// `work` and what it calls are to be `#[inline(always)]`: what is not inlined is compiled for all processors.
#[inline(always)]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        if has!("avx2") && has!("bmi1") && has!("bmi2") && has!("lzcnt") {
            #[expect(unsafe_code, reason = "a function for some processors is unsafe to call from one for all")]
            // SAFETY: the processor has what the function is compiled for.
            return unsafe { for_x86_64_v3(work) };
        }
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn for_x86_64_v3<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(always)]
    fn mixed(bytes: &[u8], to: &mut [u32]) -> u32 {
        for (to, bytes) in to.iter_mut().zip(bytes.as_chunks().0) {
            *to = to.rotate_left(5) ^ u32::from_le_bytes(*bytes).leading_zeros().wrapping_mul(0x9e37_79b1);
        }
        to.iter().fold(0, |sum, value| sum.wrapping_add(*value))
    }

    #[test]
    fn what_is_borrowed_is_used_and_what_is_owned_dropped_once_as_without_it() {
        let bytes: Vec<u8> = (0..1003_u32).map(|at| (at * at).to_le_bytes()[0]).collect();
        let (mut plain, mut vector) = (vec![7; 250], vec![7; 250]);
        let owned = std::rc::Rc::new(());
        let moved = std::rc::Rc::clone(&owned);
        let sum = vectorized(|| {
            let _moved = moved;
            mixed(&bytes, &mut vector)
        });
        assert_eq!((sum, std::rc::Rc::strong_count(&owned)), (mixed(&bytes, &mut plain), 1));
        assert_eq!(vector, plain);
        let caught = std::panic::catch_unwind(|| vectorized(|| assert!(bytes.is_empty(), "it goes through")));
        assert!(caught.is_err());
    }
}
