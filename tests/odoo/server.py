"""A real Odoo with its own PostgreSQL, for as long as a test needs it.

Odoo comes from Debian's newest package, unpacked below target/ (nothing is installed into the system
for it), its Python packages from their index into an environment beside it. The database lives in a
temporary folder and is gone afterwards.

Does not: know what is tested; leave a process, a database or a file outside target/ behind.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

# JSON-2, which the program speaks, came with Odoo 19.
OLDEST = 19
DATABASE = "crm"
# What Odoo's package depends on, by the names of Python's index.
PYTHON_PACKAGES = """
    asn1crypto Babel cbor2 chardet cryptography python-dateutil docutils geoip2 gevent greenlet idna Jinja2
    libsass lxml lxml-html-clean MarkupSafe num2words ofxparse openpyxl pyopenssl Pillow polib psutil
    psycopg2-binary pypdf pytz qrcode reportlab requests rjsmin pyserial python-stdnum urllib3 pyusb vobject
    Werkzeug xlrd xlsxwriter xlwt zeep freezegun python-magic passlib
""".split()
# Parts of the package that no test needs: 240 MB are left of 1.2 GB.
LEFT_OUT = ["*/i18n/*", "*/addons/l10n_*", "*/tests/*", "*/static/description/*"]
STARTS_WITHIN = 300


class Unavailable(Exception):
    """There is no real Odoo to be had here, and why."""


def run(words, **options):
    """The words' output; what cannot be run is unavailable here."""
    try:
        done = subprocess.run(words, check=True, capture_output=True, text=True, **options)
    except OSError as error:
        raise Unavailable(f"{words[0]}: {error.strerror}") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()[-3:]
        raise Unavailable(f"{Path(words[0]).name} failed: {' / '.join(said)}") from error
    return done.stdout


class Apt:
    """Debian's unstable suite from the machine's own mirror, with lists and cache in a folder of ours."""

    def __init__(self, folder):
        sources = folder / "sources"
        for made in [sources, folder / "lists/partial", folder / "cache/archives/partial"]:
            made.mkdir(parents=True, exist_ok=True)
        written = run(["apt-get", "indextargets", "--format", "$(SITE) $(ORIGIN)", "Created-By: Packages"])
        sites = sorted({line.split()[0] for line in written.splitlines() if line.endswith(" Debian")})
        mirrors = [site for site in sites if "security" not in site]
        if not mirrors:
            raise Unavailable("the machine has no Debian mirror")
        (sources / "sid.sources").write_text(
            f"Types: deb\nURIs: {mirrors[0]}\nSuites: sid\nComponents: main\n"
            "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
        )
        self.options = [
            "-o", "Dir::Etc::sourcelist=/dev/null",
            "-o", f"Dir::Etc::sourceparts={sources}",
            "-o", f"Dir::State::lists={folder / 'lists'}",
            "-o", f"Dir::Cache={folder / 'cache'}",
            "-o", "APT::Sandbox::User=root",
        ]  # fmt: skip
        run(["apt-get", *self.options, "update"])

    def newest(self):
        """The newest Odoo that there is a package of."""
        names = run(["apt-cache", *self.options, "pkgnames", "odoo-"]).split()
        releases = [int(name[5:]) for name in names if re.fullmatch(r"odoo-\d+", name)]
        if not releases or max(releases) < OLDEST:
            raise Unavailable(f"Debian has no Odoo of {OLDEST} or newer (found: {sorted(releases)})")
        return f"odoo-{max(releases)}"

    def download(self, package, folder):
        run(["apt-get", *self.options, "download", package], cwd=folder)
        return next(folder.glob(f"{package}_*.deb"))


def installed(folder):
    """The folder with Odoo's Python packages and the interpreter to run them, made the first time."""
    root, venv, done = folder / "root", folder / "venv", folder / "installed"
    packages = root / "usr/lib/python3/dist-packages"
    python = venv / "bin/python"
    if done.exists():
        return packages, python
    for stale in [root, venv]:
        shutil.rmtree(stale, ignore_errors=True)
    root.mkdir(parents=True)
    apt = Apt(folder / "apt")
    package = apt.download(apt.newest(), folder)
    unpacking = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
    left_out = [f"--exclude={pattern}" for pattern in LEFT_OUT]
    run(["tar", "--extract", "--no-same-owner", "--directory", root, *left_out], stdin=unpacking.stdout)
    unpacking.wait()
    name = package.stem
    package.unlink()
    shutil.rmtree(folder / "apt")
    run([sys.executable, "-m", "venv", venv])
    run([venv / "bin/pip", "install", "--quiet", *PYTHON_PACKAGES])
    done.write_text(f"{name}\n")
    return packages, python


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Postgres:
    """A PostgreSQL server of our own. It refuses to run as root, so root lends it the user `postgres`."""

    def __init__(self, folder):
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        found = shutil.which("initdb")
        if not programs and not found:
            raise Unavailable("there is no PostgreSQL (Debian: apt-get install postgresql)")
        self.programs = programs[-1] if programs else Path(found).resolve().parent
        self.folder = folder / "postgres"
        self.folder.mkdir()
        self.port = free_port()
        self.lent = []
        if os.geteuid() == 0:
            self.lent = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(self.folder, "postgres", "postgres")
        data = self.folder / "data"
        words = ["initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", f"--pgdata={data}"]
        self.run(words)
        settings = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = self.folder / "log"
        self.run(["pg_ctl", "start", "--wait", f"--pgdata={data}", f"--log={log}", f"--options={settings}"])

    def run(self, words):
        program, *rest = words
        # A server that is started keeps what it was given as output open: it gets a file of its own.
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(
                [*self.lent, self.programs / program, *rest],
                stdout=said, stderr=said, cwd=self.folder,
            )  # fmt: skip
            if done.returncode:
                said.seek(0)
                raise Unavailable(f"{program} failed: {said.read().strip()[-300:]}")

    def sql(self, query, database=DATABASE):
        """The rows of a query, each a list of texts."""
        mark = "\x1f"
        words = ["psql", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "-d", database]
        words += ["-v", "ON_ERROR_STOP=1", "-A", "-t", "-F", mark, "-c", query]
        said = run([str(word) for word in words])
        return [line.split(mark) for line in said.splitlines()]

    def stop(self):
        self.run(["pg_ctl", "stop", "--mode=immediate", f"--pgdata={self.folder / 'data'}"])


class Odoo:
    """The server, its database and the key of its administrator."""

    def __init__(self, root, temporary):
        self.packages, self.python = installed(root)
        self.release = (root / "installed").read_text().strip()
        self.folder = temporary
        self.postgres = Postgres(temporary)
        self.server = None
        self.postgres.sql("CREATE ROLE odoo LOGIN CREATEDB", database="postgres")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = temporary / "odoo.log"
        self.config = temporary / "odoo.conf"
        self.config.write_text(
            "[options]\n"
            f"db_host = 127.0.0.1\ndb_port = {self.postgres.port}\ndb_user = odoo\ndb_name = {DATABASE}\n"
            f"data_dir = {temporary / 'data'}\nhttp_interface = 127.0.0.1\nhttp_port = {self.port}\n"
            f"admin_passwd = {secrets.token_hex(16)}\nlist_db = False\nworkers = 0\nmax_cron_threads = 0\n"
        )

    def words(self, *arguments):
        return [str(self.python), "-m", "odoo", *arguments, "-c", str(self.config)]

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONPATH": str(self.packages), "LANG": "C.UTF-8"}

    def install(self, modules):
        words = self.words("server", "-i", modules, "--stop-after-init", "--logfile", str(self.log))
        run(words, env=self.environment(), cwd=self.folder)

    def shell(self, program):
        """What a program says, run inside Odoo with all rights."""
        words = self.words("shell", "--no-http", "--log-level=error")
        return run(words, env=self.environment(), cwd=self.folder, input=program)

    def start(self):
        words = self.words("server", "--logfile", str(self.log))
        self.server = subprocess.Popen(words, env=self.environment(), cwd=self.folder, start_new_session=True)
        until = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < until and self.server.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/web/health") as answer:
                if json.load(answer).get("status") == "pass":
                    return
            time.sleep(0.3)
        raise Unavailable(f"Odoo did not start: {self.log.read_text()[-500:]}")

    def call(self, key, model, method, **arguments):
        """One call of the JSON-2 API: the answer, or what the server refuses it with."""
        request = urllib.request.Request(
            f"{self.url}/json/2/{model}/{method}",
            json.dumps(arguments).encode(),
            {"Authorization": f"bearer {key}", "Content-Type": "application/json", "X-Odoo-Database": DATABASE},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(error.code, json.load(error)["message"]) from None

    def stop(self):
        if self.server:
            os.killpg(self.server.pid, signal.SIGTERM)
            self.server.wait(timeout=30)
        self.postgres.stop()


class Refused(Exception):
    """An answer that is none."""


@contextlib.contextmanager
def odoo(root, modules):
    """An Odoo with these modules; started when it was told to, stopped at the end."""
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="crm-review-odoo-") as temporary:
        folder = Path(temporary)
        # The database's user has to get through.
        folder.chmod(0o711)
        server = Odoo(root, folder)
        try:
            server.install(modules)
            yield server
        finally:
            server.stop()
