//! Runs that are killed in the midst of a write, once or twice, and runs that find the disk full: what is published is whole, and a resumed run
//! ends with the same bytes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{PngKind, Shop, Style, draw, files_in, layout, placement, png_bytes, rect};
use gangsheet::{ErrorKind, Existing, Layout, Placement, Progress, Report, Run, RunOptions};
use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};

/// Says to a process of this file what to do: the shop's folder, and how it ends.
const TASK: &str = "GANGSHEET_TEST_TASK";

/// How a run is killed.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// By the kernel, in the write that would make a file longer than so many bytes (SIGXFSZ, which nobody handles).
    InWrite(u64),
    /// By SIGKILL, at the so-and-so-many-th step of its progress.
    AtStep(usize),
}

/// Not a test of its own: the process that is killed.
#[test]
#[ignore = "started by the others"]
fn doomed() {
    let Ok(task) = env::var(TASK) else { return };
    let (death, shop) = task.split_once(' ').unwrap();
    let (how, when) = death.split_once('=').unwrap();
    let (when, shop): (u64, PathBuf) = (when.parse().unwrap(), shop.into());
    let layout = Layout::read(&shop.join("in.json")).unwrap();
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
    if how == "write" {
        setrlimit(Resource::Fsize, Rlimit { current: Some(when), maximum: None }).unwrap();
    }
    let mut step = 0;
    let watch = |_: Progress| {
        step += 1;
        if how == "step" && step == when {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    };
    // Temporary files are larger than any other: with plenty of memory there are none to die in.
    let limit = if how == "write" { common::PLENTY } else { common::smallest_limit_bytes(&Run::of_layout(&layout, &shop)) };
    render(&layout, &shop, limit, Existing::Resume, watch).unwrap();
}

fn render(layout: &Layout, shop: &Path, limit: u64, existing: Existing, progress: impl FnMut(Progress)) -> gangsheet::Result<Report> {
    let options = RunOptions { max_memory_bytes: Some(limit), threads: Some(2), existing, ..RunOptions::default() };
    Run::of_layout(layout, shop).options(options).render(&shop.join("out"), progress)
}

/// A shop with a layout, and what an undisturbed run makes of it.
struct Scene {
    shop: Shop,
    layout: Layout,
    whole: BTreeMap<String, Vec<u8>>,
}

impl Scene {
    fn new(layout: impl FnOnce(&Shop) -> Layout) -> Self {
        let shop = Shop::new();
        let layout = layout(&shop);
        layout.write(&shop.path("in.json")).unwrap();
        let scene = Self { whole: BTreeMap::new(), shop, layout };
        scene.resume();
        Self { whole: scene.files(), ..scene }
    }

    fn out(&self) -> PathBuf {
        self.shop.path("out")
    }

    /// The files without the report, whose figures differ from run to run.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files_in(&self.out()).into_iter().filter(|(name, _)| name != "report.json").collect()
    }

    fn resume(&self) {
        render(&self.layout, self.shop.base(), common::PLENTY, Existing::Resume, |_| {}).unwrap();
    }

    /// Runs in a process that dies; `false` where it lived to its end.
    fn run_and_die(&self, death: Death) -> bool {
        let task = match death {
            Death::InWrite(bytes) => format!("write={bytes} {}", self.shop.base().display()),
            Death::AtStep(step) => format!("step={step} {}", self.shop.base().display()),
        };
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "doomed", "--ignored"]).env(TASK, task).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().unwrap();
        let expected = if matches!(death, Death::InWrite(_)) { Signal::XFSZ } else { Signal::KILL };
        assert!(status.success() || status.signal() == Some(expected.as_raw()), "{death:?}: {status}");
        !status.success()
    }

    /// What is published is whole and no other file but unfinished ones is there. Says which those are.
    fn assert_nothing_torn(&self, what: &str) -> Vec<String> {
        let files = files_in(&self.out());
        for (name, content) in &files {
            match name.as_str() {
                "report.json" => {
                    let report = Report::read(&self.out().join(name)).unwrap();
                    assert!(report.parts.iter().all(|part| files.contains_key(&part.file)), "{what}: told of what is not there");
                }
                name if name.ends_with(".partial") => {}
                name => assert!(self.whole.get(name) == Some(content), "{what}: {name} is torn"),
            }
        }
        files.into_keys().filter(|name| name.ends_with(".partial")).collect()
    }

    /// Resumes to what an undisturbed run makes, and clears up.
    fn assert_resumed(&self, what: &str) {
        self.resume();
        assert!(self.files() == self.whole, "{what}: {:?}", self.files().keys());
        fs::remove_dir_all(self.out()).unwrap();
    }
}

/// Three parts of several bands, each larger than the one before.
fn three_parts(shop: &Shop) -> Layout {
    shop.artwork("noise.png", &draw(Style::Noise, 2, 160, 150));
    shop.artwork("disc.png", &draw(Style::Disc, 1, 200, 150));
    let part = |number: u32| {
        let noise = (0..number * 3).map(|nth| placement("noise.png", number * 100 + nth, rect(nth * 13, nth * 200, 170 + nth, 160)));
        let disc = placement("disc.png", number, rect(500, 100, 390, 2000));
        ((900, 2200), noise.chain([disc]).collect())
    };
    layout([part(1), part(2), part(3)])
}

/// One small part of many copies, so that the layout is larger than it, and, of warnings, the report still larger.
fn many_copies(shop: &Shop) -> Layout {
    shop.artwork("dot.png", &draw(Style::Gradient, 2, 1, 1));
    let place = |nth: u32| Placement { item: nth, ..placement("dot.png", 1, rect(nth % 20 * 20, nth / 20 * 20, 2, 2)) };
    layout([((400, 400), (0..400).map(place).collect())])
}

#[test]
fn a_run_killed_in_any_write_is_resumed_to_the_same_bytes() {
    for (layout, steps) in [(three_parts as fn(&Shop) -> Layout, 12), (many_copies, 8)] {
        let scene = Scene::new(layout);
        let report = fs::metadata(scene.out().join("report.json")).unwrap().len();
        let largest = scene.whole.values().map(|content| content.len() as u64).max().unwrap().max(report);
        fs::remove_dir_all(scene.out()).unwrap();
        let mut unfinished = BTreeSet::new();
        for step in 0..steps {
            // Never at a whole fraction, where a chunk may end.
            let death = Death::InWrite(largest * step / steps + step % 5);
            assert!(scene.run_and_die(death), "{death:?}");
            unfinished.extend(scene.assert_nothing_torn(&format!("{death:?}")));
            // A second one on the way to the end, before or behind the first.
            let again = Death::InWrite(largest * (step * 5 % steps) / steps + 1);
            scene.run_and_die(again);
            scene.assert_nothing_torn(&format!("{death:?}, {again:?}"));
            scene.assert_resumed(&format!("{death:?}, {again:?}"));
        }
        // It died in each of the parts, or in each of the documents.
        let expected = scene.whole.keys().map(|name| format!("{name}.partial")).chain(["report.json.partial".to_owned()]);
        let (documents, parts): (Vec<_>, Vec<_>) = expected.partition(|name| name.contains(".json"));
        let expected = if parts.len() > 1 { parts } else { documents };
        assert!(expected.iter().all(|name| unfinished.contains(name)), "{unfinished:?}");
    }
}

#[test]
fn a_run_killed_between_writes_is_resumed_to_the_same_bytes() {
    let scene = Scene::new(three_parts);
    fs::remove_dir_all(scene.out()).unwrap();
    let mut step = 1;
    while scene.run_and_die(Death::AtStep(step)) {
        scene.assert_nothing_torn(&format!("step {step}"));
        // Killed again at the first step that it comes to.
        scene.run_and_die(Death::AtStep(2));
        scene.assert_nothing_torn(&format!("step {step}, step 2"));
        scene.assert_resumed(&format!("step {step}"));
        step += 1;
    }
    assert!(step > 10, "{step} steps");
}

/// What happens to an artwork.
type Change<'a> = &'a dyn Fn(&Shop);

/// An artwork that is no longer what preflight saw, changed while the first part is rendered and decoded for the second one.
#[test]
fn artwork_that_changes_or_vanishes_under_way_is_named() {
    let other = png_bytes(&draw(Style::Gradient, 9, 120, 90), PngKind::Rgba8, false);
    let same_size = |shop: &Shop| {
        // As long as it was, and as old: only the content tells.
        let path = shop.path("late.png");
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    };
    let changes: [(&str, Change); 4] = [
        ("replaced", &|shop| drop(shop.write("late.png", &other))),
        ("cut", &|shop| drop(shop.write("late.png", &fs::read(shop.path("late.png")).unwrap()[..900]))),
        ("changed", &same_size),
        ("gone", &|shop| fs::remove_file(shop.path("late.png")).unwrap()),
    ];
    for (what, change) in changes {
        let shop = Shop::new();
        shop.artwork("early.png", &draw(Style::Noise, 1, 40, 30));
        shop.artwork("late.png", &draw(Style::Noise, 2, 120, 90));
        let parts = [
            ((200, 200), vec![placement("early.png", 1, rect(0, 0, 40, 30))]),
            ((200, 200), vec![placement("late.png", 2, rect(0, 0, 120, 90))]),
        ];
        let layout = layout(parts);
        let mut changed = false;
        let watch = |_: Progress| {
            if !std::mem::replace(&mut changed, true) {
                change(&shop);
            }
        };
        let error = render(&layout, shop.base(), common::PLENTY, Existing::Refuse, watch).unwrap_err();
        let late = fs::canonicalize(shop.base()).unwrap().join("late.png");
        match error.kind() {
            ErrorKind::Artwork { path, message, .. } if what != "gone" => {
                assert!(
                    *path == late && (message.contains("changed") || message.contains("damaged") || message.contains("ends too early")),
                    "{error}"
                );
                // With bad artwork nothing of the job counts as printed.
                assert!(!shop.path("out").exists());
            }
            ErrorKind::Io { path, source, .. } if what == "gone" => {
                assert!(*path == late && source.kind() == std::io::ErrorKind::NotFound, "{error}");
                let kept: Vec<String> = files_in(&shop.path("out")).into_keys().collect();
                assert_eq!(kept, ["Test part 1.png", "Test part 2.png.partial"]);
            }
            _ => panic!("{what}: {error:?}"),
        }
    }
}

/// What is resumed is written to: it lies in the output folder and nowhere else.
#[test]
fn an_unfinished_part_that_is_a_link_is_not_followed() {
    let scene = Scene::new(three_parts);
    let (part, elsewhere) = (scene.out().join("Test part 1.png"), scene.shop.path("elsewhere"));
    fs::rename(&part, &elsewhere).unwrap();
    let whole = fs::read(&elsewhere).unwrap();
    let cut = &whole[..whole.len() - 40];
    fs::write(&elsewhere, cut).unwrap();
    let partial = gangsheet::PngPart::partial_path(&part);
    std::os::unix::fs::symlink(&elsewhere, &partial).unwrap();
    let error = render(&scene.layout, scene.shop.base(), common::PLENTY, Existing::Resume, |_| {}).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::NotResumable { path, message } if *path == partial && message.contains("no plain file")),
        "{error}"
    );
    assert!(fs::read(&elsewhere).unwrap() == cut && !part.exists());
}

#[cfg(feature = "cli")]
mod program {
    use super::*;

    fn script(scene: &Scene, text: &str, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new("sh");
        command.args(["-c", text, env!("CARGO_BIN_EXE_gangsheet")]).args(arguments).current_dir(scene.shop.base());
        command.output().unwrap()
    }

    /// The limit on the size of files, which writes meet as they meet a full disk: some bytes fit, the next ones do not.
    #[test]
    fn a_file_too_large_for_its_limit_is_an_error_and_resumable() {
        let scene = Scene::new(three_parts);
        let sizes: Vec<usize> = scene.whole.iter().filter(|(name, _)| name.ends_with(".png")).map(|(_, content)| content.len()).collect();
        assert!(sizes.is_sorted(), "{sizes:?}");
        fs::remove_dir_all(scene.out()).unwrap();
        for limit in [0, 1, sizes[0] / 3, sizes[0] - 1, sizes[0] + 600, sizes[1] + 600, sizes[2] - 600] {
            // In units of 512 bytes (sh(1)).
            let blocks = (limit / 512).to_string();
            let run =
                script(&scene, r#"ulimit -f "$1"; exec "$0" --progress none --log-level warn render --layout in.json -o out"#, &[&blocks]);
            let told = String::from_utf8(run.stderr).unwrap();
            assert_eq!(run.status.code(), Some(1), "{limit}: {told}");
            assert!(told.contains(".png.partial") && told.contains("caused by: File too large"), "{told}");
            let left = scene.assert_nothing_torn(&format!("{limit} bytes"));
            assert!(left.len() == 1 && left[0].ends_with(".png.partial"), "{left:?}");
            scene.assert_resumed(&format!("{limit} bytes"));
        }
    }

    /// A disk of its own, where this system lets a test have one.
    #[test]
    fn a_full_disk_is_an_error_and_resumable() {
        let scene = Scene::new(three_parts);
        let all: usize = scene.whole.values().map(Vec::len).sum();
        fs::remove_dir_all(scene.out()).unwrap();
        for part in [3, 5, 7] {
            // Rounded up to whole pages by the system.
            let size = (all * part / 8).to_string();
            fs::create_dir_all(scene.shop.path("disk")).unwrap();
            let text = r#"exec unshare -m -r sh -c '
                mount -t tmpfs -o size="$1" disk disk || exit 99
                "$0" --progress none --log-level warn render --layout in.json -o disk/out
                code=$?
                mkdir left && cp disk/out/* left
                "$0" --progress none --log-level warn render --layout in.json -o disk/out --resume 2>again.log
                echo $? >>again.log
                mount -o remount,size=100m disk || exit 99
                "$0" --progress none --log-level off render --layout in.json -o disk/out --resume 2>resumed.log || exit 98
                cp -r disk/out out
                exit $code' "$0" "$1""#;
            let run = script(&scene, text, &[&size]);
            let told = String::from_utf8(run.stderr).unwrap();
            if run.status.code() == Some(99) || told.contains("unshare") {
                return;
            }
            assert_eq!(run.status.code(), Some(1), "{told}");
            assert!(told.contains(".png.partial") && told.contains("caused by: No space left on device"), "{told}");
            assert!(told.contains("the disk of disk/out has ") && told.contains("the rest of the run needs about "), "{told}");
            // What is there counts, and what is left does not fit either.
            let again = fs::read_to_string(scene.shop.path("again.log")).unwrap();
            assert!(again.contains("the disk of disk/out has ") && (again.ends_with("\n5\n") || again.ends_with("\n1\n")), "{again}");
            assert!(part > 3 || again.ends_with("\n5\n"), "{again}");
            // The layout tells of artwork by paths from where it lay.
            assert!(common::parts_in(&scene.out()).iter().all(|(name, content)| scene.whole[name] == *content));
            fs::remove_dir_all(scene.out()).unwrap();
            fs::rename(scene.shop.path("left"), scene.out()).unwrap();
            let left = scene.assert_nothing_torn(&size);
            assert!(left.len() == 1 && left[0].ends_with(".png.partial"), "{left:?}");
            scene.assert_resumed(&size);
        }
    }

    /// A run that is at work: its standard error is a pipe that nobody empties, so that it waits there.
    struct AtWork(std::process::Child);

    impl AtWork {
        fn start(scene: &Scene) -> Self {
            let mut command = Command::new(env!("CARGO_BIN_EXE_gangsheet"));
            command.args(["--log-level", "trace", "--progress", "json", "render", "--layout", "in.json", "-o", "out", "--threads", "1"]);
            let child = command.current_dir(scene.shop.base()).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            Self(child)
        }

        fn signal(&self, signal: Signal) {
            kill_process(rustix::process::Pid::from_child(&self.0), signal).unwrap();
        }

        fn read_until(&mut self, words: &str) {
            use std::io::{BufRead, BufReader};
            // The reader would take more than the line with a buffer of its own.
            let mut lines = BufReader::with_capacity(1, self.0.stderr.as_mut().unwrap()).lines();
            while !lines.next().unwrap().unwrap().contains(words) {}
        }
    }

    /// More parts than a pipe holds words about.
    fn many_parts(shop: &Shop) -> Layout {
        shop.artwork("dot.png", &draw(Style::Gradient, 2, 2, 2));
        layout((0..400).map(|nth| ((100, 50 + nth), vec![placement("dot.png", nth + 1, rect(0, 0, 2, 2))])))
    }

    #[test]
    fn an_interrupt_leaves_a_resumable_state() {
        use std::io::Read;
        let scene = Scene::new(many_parts);
        fs::remove_dir_all(scene.out()).unwrap();
        for signal in [Signal::INT, Signal::TERM] {
            let mut run = AtWork::start(&scene);
            run.read_until("finished part 3 of 400");
            run.signal(signal);
            let mut told = String::new();
            run.0.stderr.as_mut().unwrap().read_to_string(&mut told).unwrap();
            assert_eq!(run.0.wait().unwrap().code(), Some(130), "{told}");
            assert!(told.contains("cancelled") && told.contains("--resume"), "{told}");
            scene.assert_nothing_torn("interrupted");
            assert!(scene.out().join("Test part 3.png").exists() && !scene.out().join("report.json").exists());
            scene.assert_resumed("interrupted");
        }
    }

    #[test]
    fn a_second_interrupt_ends_a_run_that_cannot_stop() {
        let scene = Scene::new(many_parts);
        fs::remove_dir_all(scene.out()).unwrap();
        let mut run = AtWork::start(&scene);
        run.read_until("starting part 1 of 400");
        // It comes to a stand while nobody reads what it tells. Signals that come at once count as one.
        let mut left = 1000;
        let status = loop {
            if let Some(status) = run.0.try_wait().unwrap() {
                break status;
            }
            assert!(left > 0, "it goes on and on");
            left -= 1;
            run.signal(Signal::INT);
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        assert_eq!(status.code(), Some(130));
        scene.assert_nothing_torn("interrupted twice");
        scene.assert_resumed("interrupted twice");
    }
}
