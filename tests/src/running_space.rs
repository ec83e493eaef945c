//! A Space that runs on loopback, as a browser meets it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{error::HarnessError, identity::Identity};

/// A small model computes, on a busy machine.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// A Space that runs, and where.
pub struct RunningSpace {
    child: Child,
    // Kept open, so that it can go on printing.
    _stdout: BufReader<ChildStdout>,
    host: String,
    token: String,
}

impl RunningSpace {
    /// Runs an installed Space of somebody, and waits until it says where.
    pub fn start(who: &Identity, space: &str) -> Result<Self, HarnessError> {
        let mut command = who.command(&["space", "run", space, "--no-open", "--json"])?;
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(HarnessError::io("start weft space run"))?;
        let mut stdout = BufReader::new(child.stdout.take().expect("a child's stdout is there if it is piped"));
        let mut line = String::new();
        let read = stdout.read_line(&mut line);
        let mut running = Self {
            child,
            _stdout: stdout,
            host: String::new(),
            token: String::new(),
        };
        read.map_err(HarnessError::io("read what weft space run prints"))?;
        let answer: Value = serde_json::from_str(&line).map_err(|error| HarnessError::answer(&line, error))?;
        let url = answer["url"].as_str().unwrap_or_default();
        let (host, token) = url
            .strip_prefix("http://")
            .and_then(|rest| rest.trim_end_matches('/').split_once('/'))
            .ok_or_else(|| HarnessError::answer("weft space run", &answer))?;
        (running.host, running.token) = (host.to_owned(), token.to_owned());
        Ok(running)
    }

    /// With what its paths begin.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Asks for a path; returns the status line and all that follows.
    pub fn request(&self, method: &str, path: &str, body: &str) -> Result<String, HarnessError> {
        let failed = || HarnessError::io(format!("ask for {path}"));
        let mut stream = TcpStream::connect(&self.host).map_err(failed())?;
        stream.set_read_timeout(Some(ANSWERED_WITHIN)).map_err(failed())?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        )
        .map_err(failed())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(failed())?;
        Ok(answer)
    }
}

impl Drop for RunningSpace {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
