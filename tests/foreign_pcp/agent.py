"""A PXP agent that shares nothing with standin: it answers pings and blocking requests.

Usage: agent.py PXP_AGENT_CONF
"""

import asyncio
import json
import ssl
import sys
import uuid

import websockets

TYPES = "http://puppetlabs.com/"
SERVICE_RESTART = 1012


def answer(request):
    data = request["data"]
    reply = {"id": str(uuid.uuid4()), "in_reply_to": request["id"], "target": request["sender"]}
    if request["message_type"] != TYPES + "rpc_blocking_request":
        return {**reply, "message_type": TYPES + "error_message", "data": "not a blocking request"}
    known = {("ping", "ping"): {}, ("status", "query"): {"status": "unknown"}}
    results = known.get((data["module"], data["action"]))
    result = {"transaction_id": data["transaction_id"]}
    if results is None:
        result.update(id=request["id"], description="unknown module or action")
        return {**reply, "message_type": TYPES + "rpc_error_message", "data": result}
    return {**reply, "message_type": TYPES + "rpc_blocking_response", "data": {**result, "results": results}}


async def serve(broker, trust):
    async with websockets.connect(broker + "agent", ssl=trust, open_timeout=5) as socket:
        try:
            while True:
                await socket.send(json.dumps(answer(json.loads(await socket.recv()))))
        except websockets.ConnectionClosed:
            return socket.close_code


async def main(conf):
    trust = ssl.create_default_context(cafile=conf["ssl-ca-cert"])
    trust.load_cert_chain(conf["ssl-cert"], conf["ssl-key"])
    while True:
        for broker in conf["broker-ws-uris"]:
            try:
                while await serve(broker, trust) == SERVICE_RESTART:
                    await asyncio.sleep(0.2)
            except (OSError, websockets.WebSocketException, asyncio.TimeoutError) as error:
                print(broker, repr(error), flush=True)
            await asyncio.sleep(0.2)


with open(sys.argv[1], encoding="utf-8") as file:
    asyncio.run(main(json.load(file)))
