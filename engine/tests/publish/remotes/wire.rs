//! A wire on loopback between a client and a server that can be cut: it takes so many more bytes from clients and then
//! drops everything, as a network does. With a certificate it is the TLS in front of a plain server.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

pub struct Wire {
    pub port: u16,
    left: Arc<AtomicI64>,
    #[expect(dead_code, reason = "the wire lives as long as its threads")]
    runtime: Runtime,
}

impl Wire {
    pub fn new(server: u16, tls: Option<TlsAcceptor>) -> Wire {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let left = Arc::new(AtomicI64::new(i64::MAX));
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let port = listener.local_addr().unwrap().port();
        let carried = left.clone();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (left, tls) = (carried.clone(), tls.clone());
                tokio::spawn(async move {
                    let Ok(server) =
                        TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, server))).await
                    else {
                        return;
                    };
                    match tls {
                        None => carry(client, server, &left).await,
                        Some(tls) => {
                            if let Ok(client) = tls.accept(client).await {
                                carry(client, server, &left).await;
                            }
                        }
                    }
                });
            }
        });
        Wire { port, left, runtime }
    }

    /// Takes so many more bytes from clients.
    pub fn cut_after(&self, bytes: i64) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    pub fn mend(&self) {
        self.cut_after(i64::MAX);
    }
}

async fn carry(client: impl AsyncRead + AsyncWrite, server: TcpStream, left: &AtomicI64) {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = server.into_split();
    let there = async {
        let mut buffer = vec![0; 1024];
        loop {
            let count = from_client.read(&mut buffer).await.unwrap_or(0);
            if left.fetch_sub(count as i64, Ordering::SeqCst) < count as i64 {
                return true;
            }
            if count == 0 || to_server.write_all(&buffer[..count]).await.is_err() {
                let _ = to_server.shutdown().await;
                return false;
            }
        }
    };
    let back = async {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
        let _ = to_client.shutdown().await;
    };
    tokio::pin!(there, back);
    tokio::select! {
        is_cut = &mut there => if !is_cut { back.await },
        () = &mut back => {}
    }
}
