"""The client of a server. Never imports TensorFlow.

`upscaler` cuts a picture, asks and blends; `transport` asks, and asks again
where that may help; `over_grpc` and `over_rest` are the two ways to a server,
`connecting` chooses one. `photos` reads and writes, `benchmark` sends a load.
"""
