//! A remote over ssh: Debian's sshd on loopback with keys made for the test.

use super::wire::Wire;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Ssh {
    pub wire: Wire,
    server: Child,
    folder: PathBuf,
    user: String,
}

impl Ssh {
    /// None where sshd is not installed or cannot serve this user, which is said.
    pub fn new(folder: &Path) -> Option<Ssh> {
        let program = ["/usr/sbin/sshd", "/usr/bin/sshd", "/sbin/sshd"]
            .into_iter()
            .find(|path| Path::new(path).exists());
        let Some(program) = program else {
            eprintln!("SKIPPED: there is no sshd (apt-get install openssh-server), so no remote over ssh");
            return None;
        };
        let folder = folder.join("ssh");
        fs::create_dir_all(&folder).unwrap();
        for key in ["host", "user", "stranger"] {
            let file = folder.join(key);
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", key, "-f"])
                .arg(&file)
                .status();
            assert!(made.is_ok_and(|status| status.success()), "ssh-keygen");
        }
        fs::copy(folder.join("user.pub"), folder.join("authorized")).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let place = folder.display();
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {place}/host\nAuthorizedKeysFile {place}/authorized\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\nLogLevel ERROR\n"
        );
        fs::write(folder.join("config"), config).unwrap();
        // As root, sshd wants a folder that the system makes when it boots.
        let _ = fs::create_dir_all("/run/sshd");
        let server = Command::new(program)
            .args(["-D", "-e", "-f"])
            .arg(folder.join("config"))
            .stdin(Stdio::null())
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap().trim().to_owned();
        let mut ssh = Ssh { wire: Wire::new(port, None), server, folder, user };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if ssh.server.try_wait().unwrap().is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(ssh.folder.join("log")).unwrap_or_default();
                eprintln!("SKIPPED: sshd does not serve this user, so no remote over ssh: {log}");
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let host_key = fs::read_to_string(ssh.folder.join("host.pub")).unwrap();
        let known = format!("[127.0.0.1]:{} {host_key}", ssh.wire.port);
        fs::write(ssh.folder.join("known"), known).unwrap();
        Some(ssh)
    }

    pub fn address(&self, repository: &Path) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", self.user, self.wire.port, repository.display())
    }

    /// The command by which git is to connect, with one of the keys and a list of known hosts.
    pub fn command(&self, key: &str, known: &str) -> String {
        let place = self.folder.display();
        format!(
            "ssh -F none -i {place}/{key} -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes \
             -o UserKnownHostsFile={place}/{known} -o ConnectTimeout=10"
        )
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
