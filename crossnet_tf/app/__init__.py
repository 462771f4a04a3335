"""The local page of `crossnet demo_app`: two pictures in, one out.

`session` works on pairs, `page` is what a browser shows of it, by Gradio
(extra `demo`), `shield` what keeps it on this machine. `examples/` are pairs
to try. May import `upscaling`, `storage`, `images`; nobody imports it but the
command, and the export of the page for browsers, for its examples.
"""
