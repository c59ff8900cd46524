//! The program as other processes, each on a core of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::daemon::get;

/// A process that ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) child: Child,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A simulated cloud.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) address: SocketAddr,
    _process: Process,
    _output: BufReader<ChildStdout>,
}

impl Cloud {
    /// Requests so far.
    pub(crate) fn requests(&self) -> u64 {
        let mut page = String::new();
        get(self.address, "/simulator/requests", "").read_to_string(&mut page).unwrap();
        let line = page.lines().find_map(|line| line.strip_prefix("requests ")).expect("it counts them");
        line.trim().split(',').next().and_then(|count| count.parse().ok()).unwrap()
    }
}

/// Whether processes can be kept to one core.
pub(crate) fn can_pin() -> bool {
    let found = Command::new("taskset").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
        && std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
}

/// The program, to be run on this core, where that can be done.
pub(crate) fn program(core: usize) -> Command {
    let program = env!("CARGO_BIN_EXE_dcs-backup-exporter");
    let mut command = if can_pin() {
        // It becomes the program: the process is the same.
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", &core.to_string(), program]);
        command
    } else {
        Command::new(program)
    };
    command.env_clear().stdin(Stdio::null()).stderr(Stdio::null());
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
}

/// A cloud with so many instances, at the pace of a real one.
pub(crate) fn simulate(instances: usize) -> Cloud {
    let mut command = program(1);
    command.args(["simulate", "--listen=127.0.0.1:0", "--speed=1", "--log.level=error"]);
    let mut child = command.arg(format!("--instances={instances}")).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    output.read_line(&mut first).unwrap();
    let address = first.split_whitespace().find_map(|word| word.strip_prefix("http://"));
    let address = address.expect("it says where it listens").trim_end_matches('.').parse().unwrap();
    Cloud { address, _process: Process { child }, _output: output }
}
