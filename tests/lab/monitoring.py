"""What is watched on the lab's servers, and the Prometheus and Alertmanager that watch it.

A target more is a line in EXPORTERS; a file or a unit more on the app servers is one in `files` and `begin`.
"""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Sequence
from typing import Any

from tests.lab.vps import Role, Vps

EXPORTERS = {"node": 9100, "nginx": 9113, "php-fpm": 9253, "mtail": 3903, "mysqld": 9104}
"""Job -> port. mysqld is there where MariaDB is."""
_ON_OBS = ("node",)
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

NGINX = """
log_format chom '$msec pool=stable status=$status rt=$request_time urt=$upstream_response_time uri=$uri';
access_log /var/log/nginx/chom.log chom;
server {{ listen 127.0.0.1:8088; access_log off; location = /stub_status {{ stub_status; }} }}
server {{
    listen 9253;
    access_log off;
    location = /metrics {{
        include /etc/nginx/fastcgi_params;
        fastcgi_param SCRIPT_NAME /fpm-status;
        fastcgi_param SCRIPT_FILENAME /fpm-status;
        fastcgi_param QUERY_STRING openmetrics;
        fastcgi_pass unix:/run/php/php{php}-fpm.sock;
    }}
}}
"""
POOL = "[www]\npm.status_path = /fpm-status\n"
MTAIL = """
counter chom_requests_total by pool, status

/ pool=(?P<pool>[a-z]+) status=(?P<status>[0-9]{3}) / {
  chom_requests_total[$pool][$status]++
}
"""
MTAIL_UNIT = """
[Service]
ExecCondition=
ExecStart=
ExecStart=/usr/bin/mtail --progs /etc/mtail --logs /var/log/nginx/chom.log --port 3903 --poll_interval 250ms
"""
MYSQLD = 'DATA_SOURCE_NAME="exporter:exporter@unix(/run/mysqld/mysqld.sock)/"\n'


def files(vps: Vps) -> dict[str, str]:
    """Path -> text, on an app server."""
    return {
        "/etc/nginx/conf.d/monitoring.conf": NGINX.format(php=vps.base.php),
        f"/etc/php/{vps.base.php}/fpm/pool.d/zz-monitoring.conf": POOL,
        "/etc/default/prometheus-nginx-exporter": 'ARGS="-nginx.scrape-uri=http://127.0.0.1:8088/stub_status"\n',
        "/etc/default/prometheus-mysqld-exporter": MYSQLD,
        "/etc/mtail/chom.mtail": MTAIL,
        "/etc/systemd/system/mtail.service.d/chom.conf": MTAIL_UNIT,
    }


def begin(vps: Vps) -> None:
    """Start what does the watching on an app server, after its files are there."""
    units = ["mtail", "prometheus-nginx-exporter"]
    if vps.role is Role.APP:
        grant = "grant process, replication client, select on *.* to exporter@localhost"
        vps.ssh(f"mariadb -e \"create user exporter@localhost identified by 'exporter'; {grant}\"")
        units.append("prometheus-mysqld-exporter")
    vps.ssh("touch /var/log/nginx/chom.log && chmod 644 /var/log/nginx/chom.log && systemctl daemon-reload")
    vps.ssh(f"systemctl reload nginx && systemctl restart {' '.join(units)}")


def watch(obs: Vps, apps: Sequence[Vps]) -> None:
    """Have Prometheus ask all of them every second, and Alertmanager listen to it."""
    scrapes: list[dict[str, Any]] = []
    for job, port in EXPORTERS.items():
        there = [vps for vps in apps if job != "mysqld" or vps.role is Role.APP]
        there += [obs] if job in _ON_OBS else []
        labelled = [
            {"targets": [f"{vps.address}:{port}"], "labels": {"host": vps.name}} for vps in there
        ]  # one entry each, so that `host` is the name that chom.toml has
        scrapes.append({"job_name": job, "static_configs": labelled})
    alerting = {"alertmanagers": [{"static_configs": [{"targets": ["127.0.0.1:9093"]}]}]}
    every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config = {"global": every, "alerting": alerting, "scrape_configs": scrapes}
    obs.write("/etc/prometheus/prometheus.yml", json.dumps(config, indent=1))  # JSON is YAML
    obs.ssh("systemctl restart prometheus prometheus-alertmanager")


def query(obs: Vps, asked: str) -> list[tuple[dict[str, str], float]]:
    """What Prometheus says to a query now: (labels, value) of each series."""
    url = f"http://{obs.address}:9090/api/v1/query?{urllib.parse.urlencode({'query': asked})}"
    with _DIRECT.open(url, timeout=10) as answer:
        said = json.load(answer)
    return [(one["metric"], float(one["value"][1])) for one in said["data"]["result"]]
