"""Servers on loopback that answer whatever a test wants, right or wrong."""

import concurrent.futures
import contextlib
import socket
import threading

import grpc

from crossnet_tf.export.remote import messages


@contextlib.contextmanager
def answering(*answers):
    """A server that gives each connection the next answer, the last for ever.

    An answer is bytes or a function of the connection. Yields its address and
    the requests that it got.
    """
    requests = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                answer = answers[min(len(requests), len(answers) - 1)]
                with connection, contextlib.suppress(OSError):
                    requests.append(_request(connection))
                    if callable(answer):
                        answer(connection)
                    else:
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def _request(connection) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(2**16)
    head, _, body = data.partition(b"\r\n\r\n")
    (length,) = [
        int(line.split(b":")[1])
        for line in head.splitlines()
        if line.lower().startswith(b"content-length")
    ]
    while len(body) < length:
        body += connection.recv(2**16)
    return head


@contextlib.contextmanager
def answering_grpc(*answers):
    """As `answering`, by gRPC; an answer is bytes or a function of the call.

    Yields its address and the headers of the requests that it got.
    """
    found = []

    def handle(request, context):
        answer = answers[min(len(found), len(answers) - 1)]
        found.append(dict(context.invocation_metadata()))
        return answer(context) if callable(answer) else answer

    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            if details.method == messages.PREDICT_METHOD:
                return grpc.unary_unary_rpc_method_handler(handle)
            return None

    pool = concurrent.futures.ThreadPoolExecutor(2)
    options = [("grpc.max_send_message_length", -1)]
    server = grpc.server(pool, handlers=[Handler()], options=options)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", found
    finally:
        server.stop(0).wait()
        pool.shutdown()
