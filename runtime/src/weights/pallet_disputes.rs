use core::marker::PhantomData;
use frame_support::weights::Weight;
pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_disputes::WeightInfo for WeightInfo<T> {
    fn challenge() -> Weight {
        <() as pallet_disputes::WeightInfo>::challenge()
    }
    fn demand() -> Weight {
        <() as pallet_disputes::WeightInfo>::demand()
    }
    fn show_sketch(b: u32) -> Weight {
        <() as pallet_disputes::WeightInfo>::show_sketch(b)
    }
    fn name_place() -> Weight {
        <() as pallet_disputes::WeightInfo>::name_place()
    }
    fn reveal(b: u32) -> Weight {
        <() as pallet_disputes::WeightInfo>::reveal(b)
    }
    fn judge() -> Weight {
        <() as pallet_disputes::WeightInfo>::judge()
    }
    fn refuted() -> Weight {
        <() as pallet_disputes::WeightInfo>::refuted()
    }
    fn upheld() -> Weight {
        <() as pallet_disputes::WeightInfo>::upheld()
    }
    fn appeal() -> Weight {
        <() as pallet_disputes::WeightInfo>::appeal()
    }
    fn rule() -> Weight {
        <() as pallet_disputes::WeightInfo>::rule()
    }
    fn due_lapsed() -> Weight {
        <() as pallet_disputes::WeightInfo>::due_lapsed()
    }
    fn due_ended() -> Weight {
        <() as pallet_disputes::WeightInfo>::due_ended()
    }
    fn due_passed() -> Weight {
        <() as pallet_disputes::WeightInfo>::due_passed()
    }
}
