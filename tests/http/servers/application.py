"""The ASGI application that the servers run: its paths say what they answer, and each answer names its connection."""


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            event = await receive()
            await send({"type": event["type"] + ".complete"})
            if event["type"] == "lifespan.shutdown":
                return
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            break
    headers = [(b"x-client-port", str(scope["client"][1]).encode()), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    path = scope["path"]
    pieces = [b"%s %s " % (scope["method"].encode(), path.encode()) + body]
    if path == "/chunks":
        pieces = [b"chunk %d\n" % number for number in range(100)]
    elif path == "/empty":
        pieces = [b""]
    else:
        headers.append((b"content-length", str(len(pieces[0])).encode()))
    status = 204 if path == "/empty" else 200
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for number, piece in enumerate(pieces):
        await send({"type": "http.response.body", "body": piece, "more_body": number + 1 < len(pieces)})
