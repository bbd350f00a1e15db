//! Keys in the keyring of the operating system, by the program that comes with it: `secret-tool` of libsecret, `security`
//! of macOS. A key goes through pipes and never through arguments, which every process can read.

use std::io::Write;
use std::process::{Command, Stdio};

/// Under which keys are kept.
const SERVICE: &str = "tantu";

/// The program that speaks to the keyring.
pub struct Keyring {
    program: &'static str,
}

impl Keyring {
    /// The keyring of this system; `None` where no program for it is known.
    pub fn of_system() -> Option<Keyring> {
        let program = match std::env::consts::OS {
            "linux" | "freebsd" | "openbsd" | "netbsd" => "secret-tool",
            "macos" => "security",
            _ => return None,
        };
        Some(Keyring { program })
    }

    /// The program's name, for messages.
    pub fn program(&self) -> &str {
        self.program
    }

    /// The key of the model that the user calls `name`; `None` where there is none.
    ///
    /// # Errors
    /// With a message for the user, if the keyring cannot be reached.
    pub fn get(&self, name: &str) -> Result<Option<String>, String> {
        let arguments = match self.program {
            "security" => ["find-generic-password", "-w", "-s", SERVICE, "-a", name],
            _ => ["lookup", "service", SERVICE, "model", name, "--"],
        };
        let arguments = if self.program == "security" { &arguments[..] } else { &arguments[..5] };
        let output = Command::new(self.program).args(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|error| self.unreachable(&error.to_string()))?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        // Both say nothing found by their status; what is wrong beside that, they say in words.
        match (output.status.success(), said.is_empty() || said.contains("could not be found")) {
            (true, _) => {
                Ok(Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()).filter(|key| !key.is_empty()))
            }
            (false, true) => Ok(None),
            (false, false) => Err(self.unreachable(&said)),
        }
    }

    /// Keeps `key` for the model that the user calls `name`, in place of the one before.
    ///
    /// # Errors
    /// With a message for the user.
    pub fn set(&self, name: &str, key: &str) -> Result<(), String> {
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) || key.is_empty() || key.contains(['"', '\\']) {
            return Err("that is no key: it is empty, or has characters that no key has".to_owned());
        }
        let mut command = Command::new(self.program);
        let input = match self.program {
            "security" => {
                command.arg("-i");
                format!("add-generic-password -U -s {SERVICE} -a \"{name}\" -w \"{key}\"\n")
            }
            _ => {
                let label = format!("--label=tantu: {name}");
                command.args(["store", &label, "service", SERVICE, "model", name]);
                key.to_owned()
            }
        };
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| self.unreachable(&error.to_string()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read has failed, which its status says.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(|error| self.unreachable(&error.to_string()))?;
        if output.status.success() {
            Ok(())
        } else {
            Err(self.unreachable(String::from_utf8_lossy(&output.stderr).trim()))
        }
    }

    fn unreachable(&self, why: &str) -> String {
        let program = self.program;
        format!(
            "the keyring cannot be reached by {program} ({why}); put the key into a variable and name it in api-key-env"
        )
    }
}
