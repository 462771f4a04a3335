"""A user's pictures through a network: tiles, files, folders, videos.

`upscaler` does one pair in bounded memory, in `tiles` if it is large. `files`
is the way from file to file: `jobs` pairs names, `work` does one pair, with
`inputs`, `colors` and `sizes` of any kind; `clips` does videos. May import
`storage`, `images` and `drawing`.
"""
