"""What the operator of a live server has set up before the bot comes: nginx, opcache, the database, shared/.env."""

from __future__ import annotations

from tests.lab import monitoring
from tests.lab.vps import NET, Vps

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
FPM = "[global]\nprocess_control_timeout = 10s\n[www]\npm = static\npm.max_children = 16\n"
ENV = """APP_ENV=production
APP_KEY=base64:{key}
DB_HOST={data}
DB_DATABASE=chom
DB_USERNAME=chom
DB_PASSWORD={password}
REDIS_HOST={data}
REDIS_PASSWORD={redis_password}
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
APP_KEY = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI="
DB_PASSWORD = "correct-horse-battery"
REDIS_PASSWORD = "staple-of-the-lab"
MARIADB = "[mysqld]\nbind-address = 0.0.0.0\n"
REDIS = f"\nbind 0.0.0.0\nrequirepass {REDIS_PASSWORD}\n"


def set_up(vps: Vps) -> None:
    """Configure nginx and PHP as CHOM's servers have them; the site has no release yet."""
    php = vps.base.php
    files = {
        "/etc/nginx/sites-available/default": NGINX.replace("php8.2", f"php{php}"),
        f"/etc/php/{php}/fpm/conf.d/90-chom.ini": OPCACHE,
        f"/etc/php/{php}/fpm/pool.d/zz-chom.conf": FPM,
        "/etc/supervisor/conf.d/chom.conf": WORKER,
        **monitoring.files(vps),
    }
    for path, text in files.items():
        vps.write(path, text)
    monitoring.begin(vps)
    vps.ssh(f"systemctl restart php{php}-fpm && systemctl reload nginx && supervisorctl update")


def set_up_data(vps: Vps) -> None:
    """MariaDB and Redis, for this server and the others on the lab's network."""
    vps.write("/etc/mysql/mariadb.conf.d/99-lab.cnf", MARIADB)
    vps.ssh("cat >> /etc/redis/redis.conf", stdin=REDIS.encode())
    users = " ".join(
        f"create user chom@'{where}' identified by '{DB_PASSWORD}'; grant all on chom.* to chom@'{where}';"
        for where in ("localhost", f"{NET}.%")
    )
    vps.ssh(f'systemctl restart mariadb redis-server && mariadb -e "create database chom; {users}"')


def write_env(vps: Vps, data: str, owner: str = "ops", shared: str = "/var/www/shared") -> None:
    """shared/.env, which only an operator writes, once host install has made shared/. `data` is the address of the
    server with MariaDB and Redis; all servers of a site have the same."""
    text = ENV.format(key=APP_KEY, password=DB_PASSWORD, redis_password=REDIS_PASSWORD, data=data)
    vps.ssh(f"umask 027; cat > {shared}/.env && chown {owner}:www-data {shared}/.env", stdin=text.encode())


def query(vps: Vps, sql: str) -> str:
    """What the database says, tab-separated, without a header."""
    return vps.ssh("mariadb -N chom", stdin=sql.encode()).stdout.decode().strip()


def worker(vps: Vps) -> str:
    """The release that the queue worker runs, by its id; "" while none runs."""
    found = vps.ssh("readlink /proc/$(supervisorctl pid chom-worker)/cwd", check=False)
    return found.stdout.decode().strip().rpartition("/")[2] if found.returncode == 0 else ""
