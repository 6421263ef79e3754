//! A web server for tests: it answers as it is told, records every request, and can break off, stall or
//! lie at any byte.

pub(crate) mod acme;
pub(crate) mod hubspot;
pub(crate) mod odoo;
pub(crate) mod salesforce;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use memchr::memmem;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) verb: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) heads: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Request {
    /// The names and values of a form.
    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        pairs(&self.body)
    }

    /// A body of JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// What goes back.
pub(crate) enum Reply {
    /// An answer, whole.
    Whole { status: u16, heads: Vec<(String, String)>, body: Vec<u8> },
    /// These bytes, and then the connection is closed.
    Bytes(Vec<u8>),
    /// These bytes, and then nothing more for as long as the other side listens.
    Stall(Vec<u8>),
    /// These bytes, one at a time.
    Drip(Vec<u8>),
}

impl Reply {
    pub(crate) fn json(body: &serde_json::Value) -> Self {
        Self::status(200, body)
    }

    pub(crate) fn status(status: u16, body: &serde_json::Value) -> Self {
        Self::text(status, "application/json;charset=UTF-8", &body.to_string())
    }

    pub(crate) fn text(status: u16, kind: &str, body: &str) -> Self {
        let heads = vec![("Content-Type".to_owned(), kind.to_owned())];
        Self::Whole { status, heads, body: body.as_bytes().to_vec() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Self::Whole { heads, .. } = &mut self {
            heads.push((name.to_owned(), value.into()));
        }
        self
    }

    pub(crate) fn moved_to(address: &str) -> Self {
        Self::text(302, "text/html", "").with("Location", address)
    }

    /// A body whose length is not told, or told in this way.
    pub(crate) fn unframed(framing: &str, body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n{framing}\r\n"
        );
        Self::Bytes([head.as_bytes(), body].concat())
    }

    /// The answer, and the connection is closed in its middle.
    pub(crate) fn cut(&self) -> Self {
        let bytes = self.bytes();
        Self::Bytes(bytes[..bytes.len() / 2].to_vec())
    }

    /// The answer compressed: this part of it, under a length that says it is all.
    pub(crate) fn gzip(&self, part: usize) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(self.body()).unwrap();
        let packed = encoder.finish().unwrap();
        let heads = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
        let heads = heads.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self::Whole { status: 200, heads, body: packed[..packed.len() / part].to_vec() }
    }

    /// The answer with these bytes in the place of a text, if it holds it.
    pub(crate) fn saying(self, from: &str, to: &[u8]) -> Self {
        let Self::Whole { body, .. } = &self else { return self };
        let Some(at) = memmem::find(body, from.as_bytes()) else { return self };
        let body = [&body[..at], to, &body[at + from.len()..]].concat();
        let heads = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self::Whole { status: 200, heads, body }
    }

    /// The body of an answer that is whole.
    pub(crate) fn body(&self) -> &[u8] {
        let Self::Whole { body, .. } = self else { panic!("an answer that is not whole") };
        body
    }

    /// The answer as it goes over the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Whole { status, heads, body } => {
                let mut bytes = format!("HTTP/1.1 {status} So\r\n").into_bytes();
                for (name, value) in heads {
                    bytes.extend(format!("{name}: {value}\r\n").bytes());
                }
                bytes.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
                bytes.extend(body);
                bytes
            }
            Self::Bytes(bytes) | Self::Stall(bytes) | Self::Drip(bytes) => bytes.clone(),
        }
    }
}

/// What becomes of a good answer.
pub(crate) type Spoil = fn(Reply) -> Reply;

/// What can happen to any answer on its way, or be sent in its place.
pub(crate) const ON_THE_WAY: &[(&str, Spoil)] = &[
    ("cut", |good| good.cut()),
    ("compressed and cut", |good| good.gzip(2)),
    ("a chunk without its end", |good| {
        let chunk = [b"100\r\n", &good.body()[..0x100]].concat();
        Reply::unframed("Transfer-Encoding: chunked\r\n", &chunk)
    }),
    ("cut without a length", |good| Reply::unframed("", &good.body()[..good.body().len() / 2])),
    ("stalls", |good| Reply::Stall(good.bytes()[..200].to_vec())),
    ("drips", |good| Reply::Drip(good.bytes())),
    ("a login page", |_| Reply::text(200, "text/html", "<html><body>canary</body></html>")),
    ("nothing", |_| Reply::text(200, "application/json", "")),
    ("null", |_| Reply::text(200, "application/json", "null")),
    ("lists within lists", |_| Reply::text(200, "application/json", &"[".repeat(200_000))),
    ("objects within objects", |_| {
        Reply::text(200, "application/json", &"{\"a\":".repeat(200_000))
    }),
];

/// Answers that are larger than any may be.
pub(crate) const TOO_LARGE: &[(&str, Spoil)] = &[
    ("without an end", |_| Reply::unframed("", &vec![b' '; 65 << 20])),
    ("larger than it seems", |_| {
        Reply::text(200, "application/json", &" ".repeat(65 << 20)).gzip(1)
    }),
    ("a head of megabytes", |good| good.with("X-A", "a".repeat(5_000_000))),
];

type Answer = dyn Fn(&Request) -> Reply + Send + Sync;

/// A running server; it stops when dropped.
pub(crate) struct Server {
    scheme: &'static str,
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::open(None, answer)
    }

    /// By https, as whoever a certificate in `mock/tls` says; its key is `app.key.pem`.
    pub(crate) fn start_tls(
        certificate: &str,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mock");
        let chain = CertificateDer::from_pem_file(folder.join("tls").join(certificate)).unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.join("app.key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![chain], key)
            .unwrap();
        Self::open(Some(Arc::new(config)), answer)
    }

    fn open(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let answer: Arc<Answer> = Arc::new(answer);
        let (log, ends) = (Arc::clone(&requests), Arc::clone(&stop));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let (answer, log, ends) =
                    (Arc::clone(&answer), Arc::clone(&log), Arc::clone(&ends));
                let Ok(stream) = stream else { continue };
                let tls = tls.clone();
                thread::spawn(move || {
                    stream.set_nodelay(true)?;
                    let answer = answer.as_ref();
                    let Some(tls) = tls else { return converse(stream, answer, &log, &ends) };
                    let connection = ServerConnection::new(tls).map_err(std::io::Error::other)?;
                    converse(StreamOwned::new(connection, stream), answer, &log, &ends)
                });
            }
        });
        Self { scheme, address, requests, stop }
    }

    /// `http://127.0.0.1:4321`
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers the requests of one connection.
fn converse<S: Read + Write>(
    stream: S,
    answer: &Answer,
    log: &Mutex<Vec<Request>>,
    stop: &AtomicBool,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader)? {
        log.lock().unwrap().push(request.clone());
        let reply = answer(&request);
        let out = reader.get_mut();
        match &reply {
            Reply::Whole { .. } => out.write_all(&reply.bytes())?,
            Reply::Bytes(bytes) => {
                out.write_all(bytes)?;
                return out.flush();
            }
            Reply::Stall(bytes) => {
                out.write_all(bytes)?;
                while !stop.load(Ordering::Relaxed) && out.write_all(b"").is_ok() {
                    thread::sleep(Duration::from_millis(50));
                }
                return Ok(());
            }
            Reply::Drip(bytes) => {
                for byte in bytes {
                    out.write_all(&[*byte])?;
                    thread::sleep(Duration::from_millis(20));
                }
                return Ok(());
            }
        }
        out.flush()?;
    }
    Ok(())
}

fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut words = first.split(' ').map(str::to_owned);
    let (verb, target) = (words.next().unwrap(), words.next().unwrap_or_default());
    let mut heads = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        heads.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = Vec::new();
    if heads.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        while chunk(reader, &mut body)? {}
    } else {
        body.resize(heads.get("content-length").map_or(0, |length| length.parse().unwrap()), 0);
        reader.read_exact(&mut body)?;
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Ok(Some(Request {
        verb,
        path: path.to_owned(),
        query: pairs(query),
        heads,
        body: String::from_utf8(body).unwrap(),
    }))
}

/// Adds a chunk of a body; gives whether it was not the last one.
fn chunk(reader: &mut impl BufRead, body: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
    let filled = body.len();
    body.resize(filled + length, 0);
    reader.read_exact(&mut body[filled..])?;
    reader.read_line(&mut line)?;
    Ok(length > 0)
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(if byte == b'+' { b' ' } else { byte });
        }
    }
    String::from_utf8(bytes).unwrap()
}
