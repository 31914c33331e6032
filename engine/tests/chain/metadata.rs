//! What the fake node says of its runtime: the pallets, types and extensions of a subtensor that concern commitments.

use frame_metadata::v15::{
    CustomMetadata, ExtrinsicMetadata, OuterEnums, PalletCallMetadata, PalletErrorMetadata,
    PalletEventMetadata, PalletMetadata, PalletStorageMetadata, RuntimeMetadataV15, SignedExtensionMetadata,
    StorageEntryMetadata, StorageEntryModifier, StorageEntryType, StorageHasher,
};
use frame_metadata::{META_RESERVED, RuntimeMetadata, RuntimeMetadataPrefixed};
use parity_scale_codec::{Compact, Encode};
use scale_info::build::{Fields, Variants};
use scale_info::{MetaType, Path, Type, TypeInfo, meta_type};
use subxt::utils::{AccountId32, MultiAddress, MultiSignature};

pub const COMMITMENTS: u8 = 18;
/// What every hotkey may write in an epoch.
pub const MAX_SPACE: u32 = 3_100;

/// A file with the document of a real network, to be handed out in place of ours.
const REAL_METADATA_VARIABLE: &str = "PACKWRIGHT_CHAIN_METADATA";

/// The document that the node hands out, and the version of its form.
pub fn metadata() -> (Vec<u8>, u32) {
    let document = match std::env::var_os(REAL_METADATA_VARIABLE) {
        Some(path) => std::fs::read(path).expect("the document of a network"),
        None => own_metadata(),
    };
    let version = document[META_RESERVED.to_le_bytes().len()].into();
    (document, version)
}

fn own_metadata() -> Vec<u8> {
    let pallets = vec![system(), subtensor(), commitments()];
    let enums = OuterEnums {
        call_enum_ty: meta_type::<RuntimeCall>(),
        event_enum_ty: meta_type::<RuntimeEvent>(),
        error_enum_ty: meta_type::<RuntimeError>(),
    };
    let custom = CustomMetadata { map: Default::default() };
    let document =
        RuntimeMetadataV15::new(pallets, extrinsic(), meta_type::<()>(), Vec::new(), enums, custom);
    RuntimeMetadataPrefixed(META_RESERVED, RuntimeMetadata::V15(document)).encode()
}

fn system() -> PalletMetadata {
    let events = plain::<Vec<EventRecord>>("Events", Vec::<EventRecord>::new().encode());
    PalletMetadata {
        storage: Some(PalletStorageMetadata { prefix: "System", entries: vec![events] }),
        calls: Some(PalletCallMetadata { ty: meta_type::<SystemCall>() }),
        event: Some(PalletEventMetadata { ty: meta_type::<SystemEvent>() }),
        ..pallet("System", 0)
    }
}

fn subtensor() -> PalletMetadata {
    use StorageHasher::{Blake2_128Concat, Identity};
    let entries = vec![
        map::<(u16, AccountId32), u16>("Uids", &[Identity, Blake2_128Concat], None),
        map::<u16, u64>("SubnetEpochIndex", &[Identity], Some(0_u64.encode())),
    ];
    PalletMetadata {
        storage: Some(PalletStorageMetadata { prefix: "SubtensorModule", entries }),
        ..pallet("SubtensorModule", 7)
    }
}

fn commitments() -> PalletMetadata {
    use StorageHasher::{Identity, Twox64Concat};
    let of_account = [Identity, Twox64Concat];
    let entries = vec![
        map::<(u16, AccountId32), Registration>("CommitmentOf", &of_account, None),
        map::<(u16, AccountId32), UsedSpace>("UsedSpaceOf", &of_account, None),
        plain::<u32>("MaxSpace", MAX_SPACE.encode()),
    ];
    PalletMetadata {
        storage: Some(PalletStorageMetadata { prefix: "Commitments", entries }),
        calls: Some(PalletCallMetadata { ty: meta_type::<CommitmentsCall>() }),
        event: Some(PalletEventMetadata { ty: meta_type::<CommitmentsEvent>() }),
        error: Some(PalletErrorMetadata { ty: meta_type::<CommitmentsError>() }),
        ..pallet("Commitments", COMMITMENTS)
    }
}

fn pallet(name: &'static str, index: u8) -> PalletMetadata {
    PalletMetadata {
        name,
        storage: None,
        calls: None,
        event: None,
        constants: Vec::new(),
        error: None,
        index,
        docs: Vec::new(),
    }
}

fn plain<T: TypeInfo + 'static>(name: &'static str, default: Vec<u8>) -> StorageEntryMetadata {
    let (modifier, ty) = (StorageEntryModifier::Default, StorageEntryType::Plain(meta_type::<T>()));
    StorageEntryMetadata { name, modifier, ty, default, docs: Vec::new() }
}

fn map<K: TypeInfo + 'static, V: TypeInfo + 'static>(
    name: &'static str,
    hashers: &[StorageHasher],
    default: Option<Vec<u8>>,
) -> StorageEntryMetadata {
    let modifier = match default {
        Some(_) => StorageEntryModifier::Default,
        None => StorageEntryModifier::Optional,
    };
    let ty =
        StorageEntryType::Map { hashers: hashers.to_vec(), key: meta_type::<K>(), value: meta_type::<V>() };
    // Nothing is the default of what may be missing.
    StorageEntryMetadata { name, modifier, ty, default: default.unwrap_or_else(|| vec![0]), docs: Vec::new() }
}

fn extrinsic() -> ExtrinsicMetadata {
    let extension = |identifier, ty: MetaType, additional_signed: MetaType| SignedExtensionMetadata {
        identifier,
        ty,
        additional_signed,
    };
    let nothing = meta_type::<()>;
    ExtrinsicMetadata {
        version: 4,
        address_ty: meta_type::<MultiAddress<AccountId32, ()>>(),
        call_ty: meta_type::<RuntimeCall>(),
        signature_ty: meta_type::<MultiSignature>(),
        extra_ty: nothing(),
        signed_extensions: vec![
            extension("CheckNonZeroSender", nothing(), nothing()),
            extension("CheckSpecVersion", nothing(), meta_type::<u32>()),
            extension("CheckTxVersion", nothing(), meta_type::<u32>()),
            extension("CheckGenesis", nothing(), meta_type::<[u8; 32]>()),
            extension("CheckMortality", meta_type::<Era>(), meta_type::<[u8; 32]>()),
            extension("CheckNonce", meta_type::<Compact<u32>>(), nothing()),
            extension("CheckWeight", nothing(), nothing()),
            extension("ChargeTransactionPayment", meta_type::<Compact<u64>>(), nothing()),
            // One of their own, as subtensor has several.
            extension("SubtensorTransactionExtension", nothing(), nothing()),
            extension("CheckMetadataHash", meta_type::<Mode>(), meta_type::<Option<[u8; 32]>>()),
        ],
    }
}

/// How long an extrinsic may be taken: one variant for each first byte, as runtimes have it.
struct Era;

impl TypeInfo for Era {
    type Identity = Self;

    fn type_info() -> Type {
        let immortal = Variants::new().variant("Immortal", |variant| variant.index(0));
        let variants = (1..=255).fold(immortal, |variants, byte: u8| {
            // Names live as long as the program.
            let name: &'static str = format!("Mortal{byte}").leak();
            variants.variant(name, |variant| {
                variant.index(byte).fields(Fields::unnamed().field(|field| field.ty::<u8>()))
            })
        });
        Type::builder().path(Path::new("Era", "sp_runtime::generic::era")).variant(variants)
    }
}

#[derive(TypeInfo)]
#[allow(dead_code, reason = "only its type is described")]
enum Mode {
    Disabled,
    Enabled,
}

#[derive(TypeInfo)]
#[allow(dead_code, reason = "only its type is described")]
enum RuntimeCall {
    #[codec(index = 0)]
    System(SystemCall),
    #[codec(index = 18)]
    Commitments(CommitmentsCall),
}

#[derive(TypeInfo)]
#[allow(dead_code, non_camel_case_types, reason = "only its type is described")]
enum SystemCall {
    #[codec(index = 0)]
    remark { remark: Vec<u8> },
}

#[derive(TypeInfo)]
#[allow(dead_code, non_camel_case_types, reason = "only its type is described")]
enum CommitmentsCall {
    #[codec(index = 0)]
    set_commitment { netuid: u16, info: Box<CommitmentInfo> },
}

#[derive(TypeInfo, Encode)]
pub struct CommitmentInfo {
    pub fields: Bounded<Data>,
}

#[derive(TypeInfo, Encode)]
pub struct Bounded<T>(pub Vec<T>);

#[derive(TypeInfo, Encode)]
pub struct Registration {
    pub deposit: u64,
    pub block: u32,
    pub info: CommitmentInfo,
}

#[derive(TypeInfo, Encode)]
pub struct UsedSpace {
    pub last_epoch: u64,
    pub used_space: u64,
}

/// A field: the number of its bytes is in the name of its variant.
pub struct Data(pub Vec<u8>);

impl Encode for Data {
    fn encode(&self) -> Vec<u8> {
        let index = u8::try_from(self.0.len()).expect("at most 128 bytes") + 1;
        [&[index], &self.0[..]].concat()
    }
}

macro_rules! with_raw {
    ($variants:expr; $($bytes:literal)*) => {
        $variants$(.variant(concat!("Raw", $bytes), |variant| {
            let fields = Fields::unnamed().field(|field| field.ty::<[u8; $bytes]>());
            variant.index($bytes + 1).fields(fields)
        }))*
    };
}

impl TypeInfo for Data {
    type Identity = Self;

    fn type_info() -> Type {
        let variants = Variants::new().variant("None", |variant| variant.index(0));
        #[rustfmt::skip]
        let variants = with_raw!(variants;
                0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34
                35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66
                67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96 97 98
                99 100 101 102 103 104 105 106 107 108 109 110 111 112 113 114 115 116 117 118 119 120 121 122
                123 124 125 126 127 128);
        let hash = |field: scale_info::build::FieldBuilder| field.ty::<[u8; 32]>();
        let variants =
            variants.variant("Sha256", |variant| variant.index(131).fields(Fields::unnamed().field(hash)));
        Type::builder().path(Path::new("Data", "pallet_commitments::types")).variant(variants)
    }
}

#[derive(TypeInfo, Encode)]
pub struct EventRecord {
    pub phase: Phase,
    pub event: RuntimeEvent,
    pub topics: Vec<[u8; 32]>,
}

#[derive(TypeInfo, Encode)]
pub enum Phase {
    ApplyExtrinsic(u32),
}

#[derive(TypeInfo, Encode)]
pub enum RuntimeEvent {
    #[codec(index = 0)]
    System(SystemEvent),
    #[codec(index = 18)]
    Commitments(CommitmentsEvent),
}

#[derive(TypeInfo, Encode)]
pub enum SystemEvent {
    ExtrinsicSuccess { dispatch_info: DispatchInfo },
    ExtrinsicFailed { dispatch_error: DispatchError, dispatch_info: DispatchInfo },
}

#[derive(TypeInfo, Encode, Default)]
pub struct DispatchInfo {
    #[codec(compact)]
    pub ref_time: u64,
    #[codec(compact)]
    pub proof_size: u64,
    pub class: u8,
    pub pays_fee: u8,
}

#[derive(TypeInfo, Encode)]
pub enum CommitmentsEvent {
    Commitment { netuid: u16, who: [u8; 32] },
}

#[derive(TypeInfo)]
#[allow(dead_code, reason = "only its type is described")]
enum RuntimeError {
    #[codec(index = 18)]
    Commitments(CommitmentsError),
}

#[derive(TypeInfo, Clone, Copy)]
#[allow(dead_code, reason = "only its type is described")]
pub enum CommitmentsError {
    TooManyFieldsInCommitmentInfo,
    AccountNotAllowedCommit,
    SpaceLimitExceeded,
}

/// What a call failed for; here always a pallet says so.
#[derive(Encode)]
pub enum DispatchError {
    #[codec(index = 3)]
    Module(ModuleError),
}

#[derive(TypeInfo, Encode)]
pub struct ModuleError {
    pub index: u8,
    pub error: [u8; 4],
}

/// Found by its path.
impl TypeInfo for DispatchError {
    type Identity = Self;

    fn type_info() -> Type {
        let variants =
            Variants::new().variant("Other", |variant| variant.index(0)).variant("Module", |variant| {
                variant.index(3).fields(Fields::unnamed().field(|field| field.ty::<ModuleError>()))
            });
        Type::builder().path(Path::new("DispatchError", "sp_runtime")).variant(variants)
    }
}
