"""What a browser shows: two places to drop pictures, a slider, notes.

Gradio makes the page. It is told to load nothing from elsewhere, to tell
nobody, and to listen where it is told; errors are one line. It is an extra,
and imported when a page is made.
"""

import html
import os
import pathlib
import signal
import sys
import threading
from typing import Any

from crossnet_tf.app.examples import example_pairs
from crossnet_tf.app.session import Session
from crossnet_tf.app.shield import Shield

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_FAILURES = (ValueError, OSError, MemoryError)
_INTRO = """# CrossNet
A small picture (LR) and a sharp one of nearly the same view (REF): another
camera, another frame, a step aside. You get LR enlarged, with REF's detail
where it belongs. Nothing leaves this computer."""


def build(session: Session) -> Any:
    """The page, a `gradio.Blocks`.

    Args:
        session: does the work.
    """
    import gradio as gr

    scales = [(f"{scale}x", scale) for scale in session.scales]
    with gr.Blocks(title="CrossNet", analytics_enabled=False) as page:
        gr.Markdown(_INTRO)
        with gr.Row():
            lr = _picture(gr, "Small picture (LR)", "lr")
            ref = _picture(gr, "Sharp reference (REF)", "ref")
        with gr.Row():
            scale = gr.Radio(
                scales, value=scales[0][1], label="Scale", elem_id="scale"
            )
            align = gr.Checkbox(
                True,
                label="Align",
                info="Lay REF over LR, whatever its size, zoom and turn",
                elem_id="align",
            )
            match = gr.Checkbox(
                True,
                label="Match",
                info="Bring REF to LR's tone, noise and blur",
                elem_id="match",
            )
        run = gr.Button("Enlarge", variant="primary", elem_id="run")
        outputs = _outputs(gr)
        inputs = [lr, ref, scale, align, match]
        bar = gr.Progress()

        def enlarge(*given: Any, progress: Any = bar) -> tuple:
            return _shown(gr, session, progress, *given)

        run.click(
            enlarge,
            inputs,
            outputs,
            api_visibility="private",
        )
        gr.Examples(
            [[str(lr), str(ref)] for lr, ref in example_pairs()],
            [lr, ref],
            label="Pairs to try",
        )
    return page


def _outputs(gr: Any) -> list[Any]:
    slider = gr.ImageSlider(
        label="Bicubic | with reference",
        type="filepath",
        interactive=False,
        buttons=["fullscreen"],
        elem_id="result",
    )
    notes = gr.Textbox(
        label="What was done", lines=3, interactive=False, elem_id="notes"
    )
    file = gr.DownloadButton("Download", interactive=False, elem_id="download")
    with gr.Accordion("What the network found", open=False):
        looks = gr.Gallery(
            show_label=False, columns=3, format="png", elem_id="looks"
        )
    return [slider, notes, file, looks]


def _picture(gr: Any, label: str, name: str) -> Any:
    """A place for a file; it is read by us, not by Gradio."""
    image = gr.Image(
        label=label,
        type="filepath",
        image_mode=None,
        sources=["upload", "clipboard"],
        height=280,
        elem_id=name,
    )
    # Gradio would open it first, and show a traceback of what is no picture.
    image.preprocess = lambda payload: payload.path if payload else None
    return image


def _shown(
    gr: Any,
    session: Session,
    progress: Any,
    lr: str | None,
    ref: str | None,
    scale: int,
    align: bool,
    match: bool,
) -> tuple:
    try:
        result = session(
            lr,
            ref,
            scale,
            align,
            match,
            lambda done, total: progress((done, total), unit="tiles"),
        )
    except _FAILURES as error:
        text = " ".join((str(error) or type(error).__name__).split())
        raise gr.Error(
            html.escape(text), duration=None, print_exception=False
        ) from None
    return (
        (str(result.before), str(result.after)),
        "\n".join(result.notes),
        gr.DownloadButton(value=str(result.after), interactive=True),
        [(str(path), text) for path, text in result.looks],
    )


def serve(
    session: Session,
    folder: pathlib.Path,
    host: str,
    port: int,
    max_megabytes: int,
) -> None:
    """Shows the page until Ctrl-C, or until it is told to end.

    Args:
        session: does the work.
        folder: for uploads and results, removed by the caller.
        host: address to listen on.
        port: of it.
        max_megabytes: largest file that may be uploaded.

    Raises:
        OSError: the port is taken.
    """
    import gradio as gr

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
    hosts = _LOOPBACK if host in _LOOPBACK else ()
    page = build(session)
    try:
        _, url, _ = page.launch(
            server_name=host,
            server_port=port,
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            max_file_size=max_megabytes * 1_000_000,
            allowed_paths=[str(folder)],
            app_kwargs={"middleware": [(Shield, (), {"hosts": hosts})]},
            theme=gr.themes.Default(
                font=["system-ui", "sans-serif"],
                font_mono=["ui-monospace", "monospace"],
            ),
            footer_links=[],
            enable_monitoring=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
        )
        print(f"Open {url} in a browser; Ctrl-C ends it.", flush=True)
        threading.Event().wait()
    finally:
        page.close(verbose=False)
