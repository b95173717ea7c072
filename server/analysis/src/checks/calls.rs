//! Calls that need a person or a screen.

use super::finding;
use crate::python::{ast, constant_text, range_of};
use crate::{Code, Finding, Severity};

/// Functions that wait for somebody to type.
const ASKING: &[&str] = &[
    "builtins.input",
    "click.confirm",
    "click.prompt",
    "getpass.getpass",
    "sys.stdin.read",
    "sys.stdin.readline",
    "sys.stdin.readlines",
];

/// Functions that stop the programme for a person to look around.
const STOPPING: &[&str] = &[
    "IPython.embed",
    "builtins.breakpoint",
    "code.interact",
    "ipdb.post_mortem",
    "ipdb.set_trace",
    "pdb.post_mortem",
    "pdb.set_trace",
    "pudb.set_trace",
];

/// Functions that open a window.
const WINDOWS: &[&str] = &[
    "PyQt5.QtWidgets.QApplication",
    "PyQt6.QtWidgets.QApplication",
    "PySide2.QtWidgets.QApplication",
    "PySide6.QtWidgets.QApplication",
    "cv2.imshow",
    "cv2.namedWindow",
    "cv2.selectROI",
    "pygame.display.set_mode",
    "tkinter.Tk",
    "tkinter.mainloop",
    "turtle.Screen",
    "turtle.done",
    "turtle.mainloop",
    "wx.App",
];

/// Functions that hand an address to a browser.
const BROWSERS: &[&str] = &[
    "webbrowser.open",
    "webbrowser.open_new",
    "webbrowser.open_new_tab",
];

/// Functions that show figures: without a screen nothing is seen, and nothing fails.
const FIGURES: &[&str] = &[
    "matplotlib.pyplot.show",
    "matplotlib.pylab.show",
    "pylab.show",
    "seaborn.plt.show",
];

/// The function that chooses how figures are shown.
pub(super) const BACKEND: &str = "matplotlib.use";

/// All functions of which there is something to say.
pub(super) fn told() -> impl Iterator<Item = &'static str> {
    let lists = [ASKING, STOPPING, WINDOWS, BROWSERS, FIGURES];
    let paths = lists.into_iter().flatten().copied();
    paths.chain([BACKEND])
}

/// Says what there is to say about a call, by the full path of what is called.
pub(super) fn called(call: &ast::ExprCall, path: &str, found: &mut Vec<Finding>) {
    let range = range_of(&*call.func);
    let shown = path.strip_prefix("builtins.").unwrap_or(path);
    let mut say =
        |code, severity, message| found.push(finding(code, severity, message, range.clone()));
    if ASKING.contains(&path) {
        let message = format!(
            "`{shown}` waits for somebody to type, and in a job nobody can: take the answer as a parameter"
        );
        say(Code::AsksForInput, Severity::Warning, message);
    } else if STOPPING.contains(&path) {
        let message = format!(
            "`{shown}` stops for somebody to look around, and in a job nobody can: take it out before the run"
        );
        say(Code::Debugger, Severity::Warning, message);
    } else if WINDOWS.contains(&path) {
        let message = format!(
            "`{shown}` opens a window, and a cluster's machines have no screen: write to a file instead"
        );
        say(Code::NeedsDisplay, Severity::Warning, message);
    } else if BROWSERS.contains(&path) {
        let message = format!(
            "`{shown}` opens a browser, and a cluster's machines have none: print or return the address"
        );
        say(Code::NeedsDisplay, Severity::Warning, message);
    } else if FIGURES.contains(&path) {
        let message =
            "nobody sees the figure in a job, and nothing fails: save it with `savefig`".to_owned();
        say(Code::NeedsDisplay, Severity::Information, message);
    } else if path == BACKEND
        && let Some(backend) = call.arguments.args.first().and_then(constant_text)
        && needs_screen(backend)
    {
        let message = format!(
            "the backend {backend} needs a screen, and a cluster's machines have none: use \"Agg\" there"
        );
        say(Code::NeedsDisplay, Severity::Warning, message);
    }
}

/// Is a backend of matplotlib one that opens windows?
fn needs_screen(backend: &str) -> bool {
    let backend = backend.to_ascii_lowercase();
    ["gtk", "macosx", "qt", "tk", "wx"]
        .iter()
        .any(|toolkit| backend.starts_with(toolkit))
}
