"""What the operator of a live server has set up before the bot comes: nginx, opcache, the database, shared/.env."""

from __future__ import annotations

import base64
import os

from tests.lab.vps import Vps

NGINX = """
server {
    listen 80 default_server;
    root /var/www/chom/public;
    location / { try_files $uri /index.php?$query_string; }
    location ~ \\.php$ {
        include /etc/nginx/fastcgi_params;
        fastcgi_param SCRIPT_FILENAME $realpath_root$fastcgi_script_name;
        fastcgi_param DOCUMENT_ROOT $realpath_root;
        fastcgi_pass unix:/run/php/php8.2-fpm.sock;
    }
}
"""
OPCACHE = "opcache.validate_timestamps=0\n"
FPM = "[global]\nprocess_control_timeout = 10s\n"
ENV = """APP_ENV=production
APP_KEY=base64:{key}
DB_HOST=127.0.0.1
DB_DATABASE=chom
DB_USERNAME=chom
DB_PASSWORD={password}
"""


WORKER = """
[program:chom-worker]
command=/usr/bin/php artisan queue:work --sleep=1 --tries=3
directory=/var/www/chom
user=www-data
autorestart=true
startretries=1000
stopwaitsecs=60
"""
DB_PASSWORD = "correct-horse-battery"


def set_up(vps: Vps) -> None:
    """Configure nginx, PHP and MariaDB as CHOM's servers are; the site has no release yet."""
    files = {
        "/etc/nginx/sites-available/default": NGINX,
        "/etc/php/8.2/fpm/conf.d/90-chom.ini": OPCACHE,
        "/etc/php/8.2/fpm/pool.d/zz-chom.conf": FPM,
        "/etc/supervisor/conf.d/chom.conf": WORKER,
    }
    for path, text in files.items():
        vps.ssh(f"cat > {path}", stdin=text.encode())
    vps.ssh(
        f"mariadb -e \"create database chom; create user chom@localhost identified by '{DB_PASSWORD}';"
        ' grant all on chom.* to chom@localhost"'
    )
    vps.ssh("systemctl restart php8.2-fpm && systemctl reload nginx && supervisorctl update")


def write_env(vps: Vps) -> None:
    """shared/.env, which only an operator writes; to be called once host install has made shared/."""
    key = base64.b64encode(os.urandom(32)).decode()
    vps.ssh(
        "umask 027; cat > /var/www/shared/.env && chown ops:www-data /var/www/shared/.env",
        stdin=ENV.format(key=key, password=DB_PASSWORD).encode(),
    )


def query(vps: Vps, sql: str) -> str:
    """What the database says, tab-separated, without a header."""
    return vps.ssh("mariadb -N chom", stdin=sql.encode()).stdout.decode().strip()


def worker(vps: Vps) -> str:
    """The release that the queue worker runs, by its id; "" while none runs."""
    found = vps.ssh("readlink /proc/$(supervisorctl pid chom-worker)/cwd", check=False)
    return found.stdout.decode().strip().rpartition("/")[2] if found.returncode == 0 else ""
