"""prometheus-api-client, asked as the bot asks; imported by the first query only, for it takes 0.2 s and 28 MiB."""

from __future__ import annotations

from typing import Any, cast

import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect
from urllib3.util.retry import Retry

from actions.engine.telemetry import Blind


class Prometheus:
    """One server, asked synchronously."""

    def __init__(self, url: str, timeout: tuple[float, float]) -> None:
        self._url = url
        session = requests.Session()
        session.trust_env = False  # a proxy of the environment is not meant for it
        self._client: Any = cast(Any, PrometheusConnect)(
            url=url, session=session, timeout=timeout, retry=Retry(0, read=False)
        )

    def ask(self, promql: str, params: dict[str, str]) -> Any:
        """The result of an instant query, as the library gives it. Raises Blind in a sentence."""
        try:
            return self._client.custom_query(promql, params)
        except PrometheusApiClientException as fault:
            raise Blind(f"Prometheus at {self._url} refuses the query: {str(fault)[:300]}.") from None
        except requests.exceptions.Timeout:
            raise Blind(f"Prometheus at {self._url} does not answer in time.") from None
        except requests.exceptions.ConnectionError:
            raise Blind(f"Prometheus at {self._url} cannot be reached.") from None
        except (requests.exceptions.RequestException, ValueError, KeyError, TypeError):
            raise Blind(f"What answers at {self._url} is no Prometheus.") from None
