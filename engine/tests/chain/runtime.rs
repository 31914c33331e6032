//! What the fake node does with extrinsics: the checks and rules of a subtensor that concern commitments, written from
//! their description and not with the library that the program uses.

use super::metadata::{
    Bounded, COMMITMENTS, CommitmentInfo, CommitmentsError, CommitmentsEvent, Data, DispatchError,
    DispatchInfo, EventRecord, MAX_SPACE, ModuleError, Phase, Registration, RuntimeEvent, SystemEvent,
    UsedSpace,
};
use packwright::wallet::{Address, verify};
use parity_scale_codec::{Compact, Decode, Encode};
use sp_crypto_hashing::{blake2_128, blake2_256, twox_64, twox_128};
use std::collections::{BTreeMap, BTreeSet};

pub type Hash = [u8; 32];
pub type Account = [u8; 32];

const COUNTED_BYTES_MIN: u64 = 100;

/// A network with its state; every extrinsic gets a block of its own, which is final at once.
pub struct Chain {
    pub genesis: Hash,
    pub spec_version: u32,
    pub transaction_version: u32,
    /// From the first that is kept on.
    pub blocks: Vec<BlockRecord>,
    pub epoch: u64,
    /// The epoch that the node shows, where that is another.
    pub shown_epoch: Option<u64>,
    pub uids: BTreeMap<(u16, Account), u16>,
    pub nonces: BTreeMap<Account, u32>,
    pub commitments: BTreeMap<(u16, Account), (u32, Vec<u8>)>,
    pub used: BTreeMap<(u16, Account), (u64, u64)>,
    /// The bytes that were signed of each extrinsic that was taken, oldest first.
    pub signed: Vec<Vec<u8>>,
    /// How often an extrinsic was handed in to be taken.
    pub handed_in: usize,
}

pub struct BlockRecord {
    pub number: u32,
    pub hash: Hash,
    pub extrinsics: Vec<Vec<u8>>,
    pub events: Vec<u8>,
}

/// Why an extrinsic is not taken, with the number that runtimes have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    Call = 0,
    Future = 2,
    Stale = 3,
    BadProof = 4,
}

/// A signed extrinsic, taken apart.
struct Extrinsic {
    signer: Account,
    signature: [u8; 64],
    era: [u8; 2],
    nonce: u32,
    tip: u64,
    extra: Vec<u8>,
    call: Vec<u8>,
}

impl Chain {
    pub fn new() -> Chain {
        let block = BlockRecord { number: 1_000, hash: [0x22; 32], extrinsics: Vec::new(), events: vec![0] };
        Chain {
            genesis: [0x11; 32],
            spec_version: 363,
            transaction_version: 1,
            blocks: vec![block],
            epoch: 9,
            shown_epoch: None,
            uids: BTreeMap::new(),
            nonces: BTreeMap::new(),
            commitments: BTreeMap::new(),
            used: BTreeMap::new(),
            signed: Vec::new(),
            handed_in: 0,
        }
    }

    pub fn register(&mut self, netuid: u16, account: &Address) {
        let uid = self.uids.len() as u16;
        self.uids.insert((netuid, account.0), uid);
    }

    pub fn newest(&self) -> &BlockRecord {
        self.blocks.last().expect("there is always one")
    }

    pub fn block(&self, hash: &Hash) -> Option<&BlockRecord> {
        self.blocks.iter().find(|block| block.hash == *hash)
    }

    pub fn skip(&mut self, blocks: u32) {
        for _ in 0..blocks {
            self.seal(Vec::new(), vec![0]);
        }
    }

    fn seal(&mut self, extrinsics: Vec<Vec<u8>>, events: Vec<u8>) -> Hash {
        let number = self.newest().number + 1;
        let hash = blake2_256(&[&self.newest().hash[..], &number.encode()].concat());
        self.blocks.push(BlockRecord { number, hash, extrinsics, events });
        hash
    }

    /// Whether the extrinsic may be in the next block.
    pub fn validate(&self, bytes: &[u8]) -> Result<(), Invalid> {
        let extrinsic = Extrinsic::read(bytes).ok_or(Invalid::Call)?;
        let payload = self.payload(&extrinsic).ok_or(Invalid::BadProof)?;
        // Long payloads are signed by their hash.
        let signed = if payload.len() > 256 { blake2_256(&payload).to_vec() } else { payload };
        if !verify(&Address(extrinsic.signer), &signed, &extrinsic.signature) || extrinsic.tip != 0 {
            return Err(Invalid::BadProof);
        }
        match extrinsic.nonce.cmp(self.nonces.get(&extrinsic.signer).unwrap_or(&0)) {
            std::cmp::Ordering::Less => Err(Invalid::Stale),
            std::cmp::Ordering::Equal => read_call(&extrinsic.call).map(|_| ()).ok_or(Invalid::Call),
            std::cmp::Ordering::Greater => Err(Invalid::Future),
        }
    }

    /// Puts a valid extrinsic into a block and gives the block's hash.
    pub fn include(&mut self, bytes: &[u8]) -> Hash {
        let extrinsic = Extrinsic::read(bytes).expect("a valid extrinsic");
        let payload = self.payload(&extrinsic).expect("a valid extrinsic");
        self.signed.push(payload);
        *self.nonces.entry(extrinsic.signer).or_default() += 1;
        let (netuid, text) = read_call(&extrinsic.call).expect("a valid extrinsic");
        let outcome = self.commit(netuid, extrinsic.signer, text);
        let record = |event| EventRecord { phase: Phase::ApplyExtrinsic(0), event, topics: Vec::new() };
        let dispatch_info = DispatchInfo::default();
        let events = match outcome {
            Ok(()) => {
                let committed = CommitmentsEvent::Commitment { netuid, who: extrinsic.signer };
                let success = SystemEvent::ExtrinsicSuccess { dispatch_info };
                vec![record(RuntimeEvent::Commitments(committed)), record(RuntimeEvent::System(success))]
            }
            Err(error) => {
                let error = ModuleError { index: COMMITMENTS, error: [error as u8, 0, 0, 0] };
                let dispatch_error = DispatchError::Module(error);
                vec![record(RuntimeEvent::System(SystemEvent::ExtrinsicFailed {
                    dispatch_error,
                    dispatch_info,
                }))]
            }
        };
        self.seal(vec![bytes.to_vec()], events.encode())
    }

    fn commit(&mut self, netuid: u16, who: Account, text: Vec<u8>) -> Result<(), CommitmentsError> {
        if !self.uids.contains_key(&(netuid, who)) {
            return Err(CommitmentsError::AccountNotAllowedCommit);
        }
        let used = self.used.get(&(netuid, who)).filter(|(epoch, _)| *epoch == self.epoch);
        let used = used.map_or(0, |(_, used)| *used) + (text.len() as u64).max(COUNTED_BYTES_MIN);
        if used > u64::from(MAX_SPACE) {
            return Err(CommitmentsError::SpaceLimitExceeded);
        }
        self.used.insert((netuid, who), (self.epoch, used));
        self.commitments.insert((netuid, who), (self.newest().number + 1, text));
        Ok(())
    }

    /// What must have been signed; none where the era begins with a block that is not known.
    fn payload(&self, extrinsic: &Extrinsic) -> Option<Vec<u8>> {
        let era = u64::from(u16::from_le_bytes(extrinsic.era));
        let (period, phase) = (2_u64 << (era % 16), era >> 4);
        let now = u64::from(self.newest().number);
        let birth = (now.max(phase) - phase) / period * period + phase;
        let born = self.blocks.iter().find(|block| u64::from(block.number) == birth)?;
        let versions = (self.spec_version, self.transaction_version).encode();
        // No hash of the metadata is signed.
        Some([&extrinsic.call[..], &extrinsic.extra, &versions, &self.genesis, &born.hash, &[0]].concat())
    }

    /// What is stored at a key, after the block with this hash as far as events are concerned.
    pub fn storage(&self, key: &[u8], at: &Hash) -> Option<Vec<u8>> {
        let events = || self.block(at).map(|block| block.events.clone());
        let entries = self.entries().into_iter();
        entries.chain([(prefix("System", "Events"), events())]).find(|(known, _)| known == key)?.1
    }

    fn entries(&self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let twox = |account: &Account| [&twox_64(account)[..], account].concat();
        let mut entries = Vec::new();
        for ((netuid, account), uid) in &self.uids {
            let hashed = [&blake2_128(account)[..], account].concat();
            let key = [prefix("SubtensorModule", "Uids"), netuid.encode(), hashed].concat();
            entries.push((key, Some(uid.encode())));
        }
        for netuid in self.uids.keys().map(|(netuid, _)| netuid).collect::<BTreeSet<_>>() {
            let key = [prefix("SubtensorModule", "SubnetEpochIndex"), netuid.encode()].concat();
            entries.push((key, Some(self.shown_epoch.unwrap_or(self.epoch).encode())));
        }
        for ((netuid, account), (block, text)) in &self.commitments {
            let info = CommitmentInfo { fields: Bounded(vec![Data(text.clone())]) };
            let registration = Registration { deposit: 0, block: *block, info };
            let key = [prefix("Commitments", "CommitmentOf"), netuid.encode(), twox(account)].concat();
            entries.push((key, Some(registration.encode())));
        }
        for ((netuid, account), (last_epoch, used_space)) in &self.used {
            let used = UsedSpace { last_epoch: *last_epoch, used_space: *used_space };
            let key = [prefix("Commitments", "UsedSpaceOf"), netuid.encode(), twox(account)].concat();
            entries.push((key, Some(used.encode())));
        }
        entries
    }
}

fn prefix(pallet: &str, entry: &str) -> Vec<u8> {
    [twox_128(pallet.as_bytes()), twox_128(entry.as_bytes())].concat()
}

impl Extrinsic {
    fn read(bytes: &[u8]) -> Option<Extrinsic> {
        let mut rest = bytes;
        let Compact(length) = Compact::<u32>::decode(&mut rest).ok()?;
        // Version 4 and signed; the address is an account, the signature sr25519.
        let [0x84, 0x00, ..] = rest else { return None };
        if rest.len() != length as usize {
            return None;
        }
        rest = &rest[2..];
        let (signer, kind) = <(Account, u8)>::decode(&mut rest).ok()?;
        let signature = <[u8; 64]>::decode(&mut rest).ok().filter(|_| kind == 1)?;
        let from_era = rest;
        let era = <[u8; 2]>::decode(&mut rest).ok()?;
        let Compact(nonce) = Compact::<u32>::decode(&mut rest).ok()?;
        let Compact(tip) = Compact::<u64>::decode(&mut rest).ok()?;
        let [0, call @ ..] = rest else { return None };
        let extra = from_era[..from_era.len() - call.len()].to_vec();
        Some(Extrinsic { signer, signature, era, nonce, tip, extra, call: call.to_vec() })
    }
}

/// The subnet and the text of `set_commitment` with one raw field.
fn read_call(call: &[u8]) -> Option<(u16, Vec<u8>)> {
    let [COMMITMENTS, 0, low, high, 4, variant, text @ ..] = call else { return None };
    let is_raw = (1..=129).contains(variant) && text.len() == usize::from(*variant) - 1;
    is_raw.then(|| (u16::from_le_bytes([*low, *high]), text.to_vec()))
}
