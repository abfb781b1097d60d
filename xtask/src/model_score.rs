//! `cargo xtask model-score`: what `egret api` infers from traffic, beside what the servers publish about themselves.
//!
//! Three servers: an application of FastAPI with 33 operations that was written for this (`model_score/app.py`); Prefect,
//! whose 188 operations are described out of its own types, with its own client; and pygeoapi, which answers more than it
//! publishes, and publishes properties that it does not send. A client calls each as people would, then schemathesis as
//! nobody would; egret captures both over the loopback interface. `model_score/score.py` compares egret and
//! mitmproxy2swagger with the published document, and openapi-spec-validator reads what egret wrote. Needs Python 3, the
//! network for `pip`, and the right to capture; never part of `test`. What it installs and makes lies in
//! `target/model-score`.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::shell::Program;
use crate::workspace::{self, built};

/// What drives and compares; versions that were tried together.
const TOOLS: &str = "schemathesis==4.32.5 mitmproxy2swagger==0.14.0 openapi-spec-validator==0.9.0 pyyaml";

/// A server that publishes its own description.
struct Subject {
    name: &'static str,
    port: u16,
    /// What it is made of; the folder of its programs is named after it.
    packages: &'static str,
    /// What runs it, behind the folder of its programs.
    serve: &'static str,
    variables: &'static [(&'static str, &'static str)],
    /// What its paths begin with, beside what its description says.
    base: &'static str,
    /// Where it publishes its description.
    published: &'static str,
    /// Run by its own Python.
    client: &'static str,
    /// Whether the aims are asked of it: pygeoapi answers calls that it does not publish.
    judged: bool,
}

const SUBJECTS: [Subject; 3] = [
    Subject {
        name: "app",
        port: 18_731,
        packages: "fastapi==0.165.0 uvicorn==0.54.0 httpx==0.28.1 python-multipart==0.0.34 email-validator==2.4.0",
        serve: "uvicorn app:app --port 18731 --log-level error",
        variables: &[],
        base: "",
        published: "/openapi.json",
        client: "drive.py",
        judged: true,
    },
    Subject {
        name: "prefect",
        port: 18_733,
        packages: "prefect==3.9.1",
        serve: "prefect server start --host 127.0.0.1 --port 18733 --no-ui --no-services",
        variables: &[
            ("PREFECT_HOME", "prefect-home"),
            ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
            ("DO_NOT_TRACK", "1"),
        ],
        base: "/api",
        published: "/api/openapi.json",
        client: "prefect_drive.py",
        judged: true,
    },
    Subject {
        name: "geo",
        port: 18_732,
        packages: "pygeoapi==0.21.0 httpx==0.28.1",
        serve: "pygeoapi serve",
        variables: &[("PYGEOAPI_CONFIG", "geo.yml"), ("PYGEOAPI_OPENAPI", "openapi.yml")],
        base: "",
        published: "/openapi?f=json",
        client: "geo_drive.py",
        judged: false,
    },
];

pub(crate) fn run() -> Result<()> {
    Program::cargo("build --quiet --package egret").run()?;
    let place = Place { folder: workspace::root().join("target/model-score") };
    fs::create_dir_all(&place.folder).context("cannot make target/model-score")?;
    place.venv("venv", TOOLS)?;
    for subject in &SUBJECTS {
        place.venv(&subject.venv(), subject.packages)?;
    }
    let mut fell_short = false;
    for subject in &SUBJECTS {
        println!("\n==> {}", subject.name);
        let short = place.measure(subject).with_context(|| format!("measuring `{}` failed", subject.name))?;
        fell_short |= short && subject.judged;
    }
    if fell_short { bail!("egret api fell short of its aims, above") } else { Ok(()) }
}

impl Subject {
    fn venv(&self) -> String {
        format!("{}-venv", self.name)
    }
}

/// The folder where everything is made.
struct Place {
    folder: PathBuf,
}

/// A program that is ended when it is dropped, with those that it has started: each is the first of a process group.
struct Running(Child);

impl Running {
    /// Ends it as Ctrl-C does, and waits for it.
    fn interrupt(mut self) -> Result<()> {
        sleep(Duration::from_millis(1_500));
        Program::new("kill", "-INT").arg(self.0.id().to_string()).run()?;
        self.0.wait().context("cannot wait for the capture")?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Program::new("kill", "-KILL --").arg(format!("-{}", self.0.id())).succeeds();
        let _ = self.0.wait();
    }
}

impl Place {
    fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }

    /// An environment of Python with packages, made once.
    fn venv(&self, name: &str, packages: &str) -> Result<()> {
        let (folder, mark) = (self.at(name), self.at(format!("{name}.ready")));
        if fs::read_to_string(&mark).is_ok_and(|known| known == packages) {
            return Ok(());
        }
        println!("model-score: installing {packages}");
        Program::new("python3", "-m venv").arg(&folder).run()?;
        let pip = Program::new(folder.join("bin/pip"), "install --quiet");
        packages.split_whitespace().fold(pip, Program::arg).run()?;
        fs::write(mark, packages).context("cannot write target/model-score")
    }

    fn tool(&self, name: &str) -> PathBuf {
        self.at("venv/bin").join(name)
    }

    fn script(name: &str) -> PathBuf {
        workspace::root().join("xtask/src/model_score").join(name)
    }

    /// Measures one server; whether egret fell short of the aims.
    fn measure(&self, subject: &Subject) -> Result<bool> {
        let server = self.serve(subject)?;
        let base = format!("http://127.0.0.1:{}", subject.port);
        let published = self.at(format!("{}.published.json", subject.name));
        Program::new("curl", "--silent --fail --output")
            .arg(&published)
            .arg(format!("{base}{}", subject.published))
            .run()?;

        let used = self.at(format!("{}.pcapng", subject.name));
        let capture = self.capture(subject, &used)?;
        self.drive(subject, &base)?;
        capture.interrupt()?;

        let abused = self.at(format!("{}-fuzz.pcapng", subject.name));
        let capture = self.capture(subject, &abused)?;
        let log = File::create(self.at(format!("{}.schemathesis.log", subject.name)))?;
        let how = "--max-examples 15 --seed 1 --phases examples,coverage,fuzzing --generation-database none";
        // That it fails says that it found faults of the server, which are not what is measured.
        let status = Command::new(self.tool("schemathesis"))
            .arg("run")
            .arg(&published)
            .args(["--url", &format!("{base}{}", subject.base)])
            .args(how.split_whitespace())
            .current_dir(&self.folder)
            .stdout(log.try_clone()?)
            .stderr(log)
            .status();
        status.context("cannot run schemathesis")?;
        capture.interrupt()?;
        drop(server);

        println!("a client alone:");
        let alone = self.score(subject, &published, &[&used])?;
        println!("a client and schemathesis:");
        let both = self.score(subject, &published, &[&used, &abused])?;
        Ok(alone || both)
    }

    fn serve(&self, subject: &Subject) -> Result<Running> {
        let (program, rest) = subject.serve.split_once(' ').unwrap_or((subject.serve, ""));
        let bin = PathBuf::from(subject.venv()).join("bin");
        for name in ["app.py", "geo.yml"] {
            fs::copy(Self::script(name), self.at(name))?;
        }
        fs::write(self.at("nests.csv"), nests())?;
        // What Prefect remembers of the last time.
        let _ = fs::remove_dir_all(self.at("prefect-home"));
        if subject.name == "geo" {
            let generate = "openapi generate geo.yml --output-file openapi.yml";
            let status = Command::new(self.at(&bin).join(program))
                .args(generate.split(' '))
                .current_dir(&self.folder)
                .stdout(Stdio::null())
                .status();
            if !status.context("cannot run pygeoapi")?.success() {
                bail!("pygeoapi cannot make its description");
            }
        }
        let log = File::create(self.at(format!("{}.log", subject.name)))?;
        let child = Command::new(self.at(&bin).join(program))
            .args(rest.split_whitespace())
            .current_dir(&self.folder)
            .envs(self.variables(subject))
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn();
        let running = Running(child.with_context(|| format!("cannot run {program}"))?);
        let url = format!("http://127.0.0.1:{}/", subject.port);
        for _ in 0..100 {
            if Program::new("curl", "--silent --output /dev/null").arg(&url).succeeds() {
                return Ok(running);
            }
            sleep(Duration::from_millis(200));
        }
        bail!("{program} does not answer at {url}: see target/model-score/{}.log", subject.name)
    }

    /// Calls the server as people would. What the client has to say is kept.
    fn drive(&self, subject: &Subject, base: &str) -> Result<()> {
        let log = format!("{}.client.log", subject.name);
        let out = File::create(self.at(&log))?;
        let status = Command::new(self.at(subject.venv()).join("bin/python"))
            .arg(Self::script(subject.client))
            .arg(base)
            .current_dir(&self.folder)
            .envs(self.variables(subject))
            .stdout(out.try_clone()?)
            .stderr(out)
            .status();
        if status.context("cannot run the client")?.success() {
            Ok(())
        } else {
            bail!("the client failed: see {log}")
        }
    }

    /// Variables of the environment, those that name folders with the whole path.
    fn variables(&self, subject: &Subject) -> impl Iterator<Item = (&'static str, PathBuf)> {
        let folder = |name: &str| name.ends_with("_HOME");
        subject.variables.iter().map(move |(name, value)| {
            (*name, if folder(name) { self.at(value) } else { PathBuf::from(value) })
        })
    }

    fn capture(&self, subject: &Subject, file: &Path) -> Result<Running> {
        let child = Command::new(built("egret")?)
            .args(["packets", "--quiet", "-i", "lo", "-w"])
            .arg(file)
            .arg(format!("tcp port {}", subject.port))
            .stdout(Stdio::null())
            .process_group(0)
            .spawn();
        let running = Running(child.context("cannot run egret")?);
        sleep(Duration::from_secs(1));
        Ok(running)
    }

    /// Prints the score of captures; whether egret fell short of the aims.
    fn score(&self, subject: &Subject, published: &Path, captures: &[&PathBuf]) -> Result<bool> {
        let egret = |words: &str| {
            let program = Program::new(built("egret")?, words);
            Ok::<_, anyhow::Error>(
                captures.iter().fold(program, |program, file| program.arg("-r").arg(*file)),
            )
        };
        let [ours, theirs, archive, lines] = ["yaml", "mitm.yaml", "har", "jsonl"]
            .map(|end| self.at(format!("{}-{}.{end}", subject.name, captures.len())));
        egret("api --quiet")?.arg("-o").arg(&ours).run()?;
        egret("http --quiet --json --body-bytes 1048576")?.output_to(File::create(&lines)?)?;
        egret("http --quiet")?.arg("--har").arg(&archive).output_to(File::create(self.at("har.log"))?)?;
        Program::new(self.tool("python"), "").arg(Self::script("har.py")).arg(&archive).run()?;
        let _ = fs::remove_file(&theirs);
        for _ in 0..2 {
            // The first run lists paths to be ignored; its user takes the mark away from those that he wants.
            let log = File::create(self.at("mitmproxy2swagger.log"))?;
            Program::new(self.tool("mitmproxy2swagger"), "-f har -i")
                .arg(&archive)
                .arg("-o")
                .arg(&theirs)
                .arg("-p")
                .arg(format!("http://127.0.0.1:{}", subject.port))
                .output_to(log)?;
            let text = fs::read_to_string(&theirs).context("mitmproxy2swagger wrote nothing")?;
            fs::write(&theirs, text.replace("ignore:", ""))?;
        }
        Program::new(self.tool("openapi-spec-validator"), "").arg(&ours).run()?;
        let compared = Program::new(self.tool("python"), "")
            .arg(Self::script("score.py"))
            .arg(&lines)
            .arg(published)
            .arg(format!("egret={}", ours.display()))
            .arg(format!("mitmproxy2swagger={}", theirs.display()))
            .lines(&mut |line| {
                println!("{}", String::from_utf8_lossy(line));
                Ok(())
            })?;
        Ok(!compared.success())
    }
}

/// The features that pygeoapi serves.
fn nests() -> String {
    let mut table = "id,name,kind,eggs,lon,lat\n".to_owned();
    for number in 1..=30 {
        let kind = if number % 2 == 0 { "heron" } else { "egret" };
        table += &format!("{number},nest {number},{kind},{},{number}.5,5{}.25\n", number % 5, number % 10);
    }
    table
}
