//! A node that is none: a WebSocket on this machine, with the few methods that clients need and the failures that nodes
//! have.

use super::metadata::metadata;
use super::runtime::{Chain, Hash};
use parity_scale_codec::Encode;
use serde_json::{Value, json};
use soketto::handshake::{Server, server::Response};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    Nothing,
    /// It takes connections and answers nothing.
    Silent,
    /// It puts the extrinsic into a block, and ends the connection before it tells.
    TakesAndBreaksOff,
    /// The same, and nobody can connect again.
    TakesAndGoes,
    /// It ends the connection and forgets the extrinsic.
    BreaksOff,
    /// It tells that it has it, and nothing more; it forgets the extrinsic.
    StopsTelling,
    /// It is told that another has the extrinsic's place.
    SaysInvalid,
    /// It refuses whatever is handed in.
    Refuses(i32),
    /// The commitment is another by the time that it is looked at.
    Overwrites,
}

/// The node; it goes on until the tests end.
pub struct Node {
    pub address: String,
    shared: Arc<Shared>,
}

struct Shared {
    chain: Mutex<Chain>,
    fault: Mutex<Fault>,
}

impl Node {
    pub fn start(chain: Chain) -> Node {
        let shared = Arc::new(Shared { chain: Mutex::new(chain), fault: Mutex::default() });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let address = format!("ws://{}", listener.local_addr().expect("an address"));
        let of_node = shared.clone();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a socket");
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, of_node.clone()));
                }
            });
        });
        Node { address, shared }
    }

    pub fn chain(&self) -> MutexGuard<'_, Chain> {
        self.shared.chain.lock().expect("no panic")
    }

    /// How many extrinsics were handed in, and the number of the newest block.
    pub fn counts(&self) -> (usize, u32) {
        let chain = self.chain();
        (chain.handed_in, chain.newest().number)
    }

    pub fn set(&self, fault: Fault) {
        *self.shared.fault.lock().expect("no panic") = fault;
    }
}

impl Shared {
    fn fault(&self) -> Fault {
        *self.fault.lock().expect("no panic")
    }
}

type Sender = soketto::Sender<Compat<TcpStream>>;

async fn serve(stream: TcpStream, node: Arc<Shared>) {
    let handed_in = node.chain.lock().expect("no panic").handed_in;
    if node.fault() == Fault::TakesAndGoes && handed_in > 0 {
        return;
    }
    let mut server = Server::new(stream.compat());
    let Ok(request) = server.receive_request().await else { return };
    let key = request.key();
    if server.send_response(&Response::Accept { key, protocol: None }).await.is_err() {
        return;
    }
    let (mut sender, mut receiver) = server.into_builder().finish();
    let mut message = Vec::new();
    while receiver.receive_data(&mut message).await.is_ok() {
        let request: Value = serde_json::from_slice(&message).expect("JSON");
        message.clear();
        if node.fault() == Fault::Silent {
            continue;
        }
        let (id, method) = (&request["id"], request["method"].as_str().expect("a method"));
        if method == "author_submitAndWatchExtrinsic" {
            if !watch(&mut sender, id, &request["params"], &node).await {
                return;
            }
            continue;
        }
        let result = answer(method, &request["params"], &node.chain.lock().expect("no panic"));
        say(&mut sender, json!({"jsonrpc": "2.0", "id": id, "result": result})).await;
    }
}

async fn say(sender: &mut Sender, message: Value) {
    // Who has gone away need not hear it.
    let _ = sender.send_text(message.to_string()).await;
    let _ = sender.flush().await;
}

/// Takes an extrinsic and tells of it, as far as the fault goes; whether the connection stays.
async fn watch(sender: &mut Sender, id: &Value, params: &Value, node: &Shared) -> bool {
    let extrinsic = bytes(&params[0]);
    let fault = node.fault();
    let refused = {
        let mut chain = node.chain.lock().expect("no panic");
        chain.handed_in += 1;
        match (fault, chain.validate(&extrinsic)) {
            (Fault::Refuses(code), _) => Some((code, "refused by the pool".to_owned())),
            (_, Err(invalid)) => Some((1010, format!("{invalid:?}"))),
            _ => None,
        }
    };
    if let Some((code, data)) = refused {
        let error = json!({"code": code, "message": "Invalid Transaction", "data": data});
        say(sender, json!({"jsonrpc": "2.0", "id": id, "error": error})).await;
        return true;
    }
    let take = || node.chain.lock().expect("no panic").include(&extrinsic);
    match fault {
        Fault::TakesAndBreaksOff | Fault::TakesAndGoes => {
            take();
            return false;
        }
        Fault::BreaksOff => return false,
        _ => {}
    }
    say(sender, json!({"jsonrpc": "2.0", "id": id, "result": "watch"})).await;
    tell(sender, json!("ready")).await;
    match fault {
        Fault::StopsTelling => return true,
        Fault::SaysInvalid => {
            tell(sender, json!("invalid")).await;
            return true;
        }
        _ => {}
    }
    let block = hex(&take());
    if fault == Fault::Overwrites {
        let mut chain = node.chain.lock().expect("no panic");
        chain.commitments.values_mut().for_each(|(_, text)| *text = b"another".to_vec());
    }
    tell(sender, json!({"inBlock": block})).await;
    tell(sender, json!({"finalized": block})).await;
    true
}

async fn tell(sender: &mut Sender, status: Value) {
    let params = json!({"subscription": "watch", "result": status});
    say(sender, json!({"jsonrpc": "2.0", "method": "author_extrinsicUpdate", "params": params})).await;
}

fn answer(method: &str, params: &Value, chain: &Chain) -> Value {
    match method {
        "rpc_methods" => json!({"methods": [
            "rpc_methods", "chain_getBlockHash", "chain_getFinalizedHead", "chain_getHeader", "chain_getBlock",
            "state_call", "state_getStorage", "author_submitAndWatchExtrinsic", "author_unwatchExtrinsic",
        ]}),
        "chain_getBlockHash" => match params[0].as_u64() {
            Some(0) => json!(hex(&chain.genesis)),
            Some(number) => {
                let block = chain.blocks.iter().find(|block| u64::from(block.number) == number);
                block.map_or(Value::Null, |block| json!(hex(&block.hash)))
            }
            None => json!(hex(&chain.newest().hash)),
        },
        "chain_getFinalizedHead" => json!(hex(&chain.newest().hash)),
        "chain_getHeader" => header(chain, &params[0]),
        "chain_getBlock" => {
            let block = chain.block(&hash(&params[0]));
            block.map_or(Value::Null, |block| {
                let extrinsics: Vec<String> = block.extrinsics.iter().map(|bytes| hex(bytes)).collect();
                let header = header(chain, &params[0]);
                json!({"block": {"header": header, "extrinsics": extrinsics}, "justifications": null})
            })
        }
        "state_getStorage" => {
            let value = chain.storage(&bytes(&params[0]), &hash(&params[1]));
            value.map_or(Value::Null, |value| json!(hex(&value)))
        }
        "state_call" => json!(hex(&call(params[0].as_str().expect("a name"), &bytes(&params[1]), chain))),
        _ => Value::Null,
    }
}

fn call(name: &str, arguments: &[u8], chain: &Chain) -> Vec<u8> {
    match name {
        "Core_version" => {
            let (names, apis) = (("fake", "fake", 1_u32), Vec::<([u8; 8], u32)>::new());
            (names, chain.spec_version, 1_u32, apis, chain.transaction_version, 1_u8).encode()
        }
        "Metadata_metadata_versions" => vec![metadata().1].encode(),
        "Metadata_metadata_at_version" => Some(metadata().0).encode(),
        "AccountNonceApi_account_nonce" => {
            let account = arguments.try_into().expect("an account");
            chain.nonces.get::<[u8; 32]>(&account).copied().unwrap_or(0).encode()
        }
        "TaggedTransactionQueue_validate_transaction" => {
            let extrinsic = &arguments[1..arguments.len() - 32];
            match chain.validate(extrinsic) {
                Ok(()) => (0_u8, 1_u64, Vec::<Vec<u8>>::new(), vec![vec![1_u8]], 64_u64, true).encode(),
                Err(invalid) => vec![1, 0, invalid as u8],
            }
        }
        other => panic!("{other} is not asked for"),
    }
}

fn header(chain: &Chain, at: &Value) -> Value {
    let Some(block) = chain.block(&hash(at)) else { return Value::Null };
    let nothing = hex(&[0; 32]);
    json!({
        "parentHash": nothing,
        "number": format!("{:#x}", block.number),
        "stateRoot": nothing,
        "extrinsicsRoot": nothing,
        "digest": {"logs": []},
    })
}

fn hash(value: &Value) -> Hash {
    bytes(value).try_into().expect("a hash")
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a text");
    crate::wallet::bytes(text.strip_prefix("0x").expect("0x"))
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", packwright::units::to_hex(bytes))
}
