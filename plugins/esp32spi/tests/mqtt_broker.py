"""An MQTT broker on loopback, for the tests: serves on the port given until its standard input ends; over TLS if a
certificate and its key are given as well."""

import asyncio
import sys

from amqtt.broker import Broker


async def main(port: str, *certificate: str) -> None:
    listener = {"type": "tcp", "bind": "127.0.0.1:" + port}
    if certificate:
        listener.update({"ssl": True, "certfile": certificate[0], "keyfile": certificate[1]})
    broker = Broker(
        {
            "listeners": {"default": listener},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
