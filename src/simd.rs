//! The one home of code for particular processors: loops that the compiler turns into vector instructions, compiled twice.

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
