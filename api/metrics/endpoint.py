"""`GET /metrics`: the figures as text, for Prometheus."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from api.metrics.instruments import show
from api.metrics.sampling import sample

PATH: Final = "/metrics"


async def answer_metrics(request: Request) -> Response:
    """Answer with all figures, the gauges as they are now."""
    await sample(request.app.state)
    content, media_type = show()
    return Response(content, media_type=media_type)
