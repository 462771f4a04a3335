"""A page that runs an ONNX file in the browser; `building` puts it together.

`page/` is shipped as it is; `package.json` pins the runtime, and
`package-lock.json` has the checksums that npm holds it to.
"""
