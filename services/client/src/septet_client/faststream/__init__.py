"""A router for FastStream applications: typed publishers, and subscribers for responses and evaluations.

::

    septet = SeptetRouter(group="my-app")
    app = FastStream(broker("127.0.0.1:9092", septet))

    @septet.on_response
    async def show(response: Response) -> None:
        print(response.answer)

Needs the extra ``septet-client[faststream]``.
"""

from septet_client.faststream.delivery import AtLeastOnce
from septet_client.faststream.router import SeptetRouter, broker
from septet_client.faststream.tracing import TraceMiddleware

__all__ = ["AtLeastOnce", "SeptetRouter", "TraceMiddleware", "broker"]
