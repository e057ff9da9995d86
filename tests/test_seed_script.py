"""The script that makes the secrets: it asks, it shows nothing, it runs in any POSIX shell."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from test_cli import remediator

TEMPLATE = """\
Parameters:
  Stage:
    Type: String
    Default: it's "dev"; $(touch stolen)
  ApiToken:
    Type: String
    NoEcho: true
Resources:
  Orders:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub shop-orders-${Stage}-${AWS::Region}-${AWS::AccountId}
  Refunds:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub shop-refunds-${Stage}-${AWS::Region}-${AWS::AccountId}
  Alarms:
    Type: AWS::SNS::Topic
    Properties:
      TopicName: !Sub shop-alarms-${Stage}-${AWS::Region}-${AWS::AccountId}
  Site:
    Type: AWS::Amplify::App
    Properties:
      Name: site
      OauthToken: !Ref ApiToken
"""
LITERAL = """\
Resources:
  Documents:
    Type: AWS::DocDB::DBCluster
    Properties:
      MasterUsername: docs
      MasterUserPassword: correct-horse-battery
  Certificate:
    Type: AWS::IAM::ServerCertificate
    Properties:
      CertificateBody: public
      PrivateKey: |
        a key
        of two lines
"""
# Notes its arguments and its environment, keeps what it is given; knows the secret `there`.
AWS = """\
#!/bin/sh
echo "$*" >>log
env >>log
case "$*" in
*describe-secret*there*) echo None ;;
*describe-secret*gone*) echo 2026-01-01T00:00:00 ;;
*describe-secret*denied*) echo 'AccessDeniedException' >&2; exit 254 ;;
*describe-secret*) echo 'An error (ResourceNotFoundException) occurred' >&2; exit 254 ;;
*create-secret*) cat >"made-$(ls | grep -c made)"; echo arn ;;
*get-caller-identity*) echo 123456789012 ;;
*configure*) echo eu-west-1 ;;
esac
"""
SHELLS = [shell for shell in ("sh", "dash", "bash", "busybox") if shutil.which(shell)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "aws").write_text(AWS)
    (tmp_path / "bin" / "aws").chmod(0o700)
    return tmp_path


def seed(*templates: str, allow: str = "safe,replaces") -> None:
    for number, text in enumerate(templates):
        Path(f"t{number}.yaml").write_text(text)
    arguments = ("fix", "-q", "--strategy", "reference", "--allow", allow)
    done = remediator(*arguments, "--seed-script", "seed.sh", ".")
    assert done.exit_code == 0, done.output


def run(*stacks: str, typed: str, shell: str = "sh") -> subprocess.CompletedProcess[str]:
    command = [shell, "sh"] if shell == "busybox" else [shell]
    path = f"{Path.cwd() / 'bin'}:{os.environ['PATH']}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return subprocess.run(
        [*command, "seed.sh", *stacks],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        env=environment | {"PATH": path},
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_a_value_is_asked_for_and_stored_as_it_is(here: Path, shell: str) -> None:
    seed(LITERAL)
    assert stat.S_IMODE((here / "seed.sh").stat().st_mode) == 0o700
    (here / "key.pem").write_text("a key\nof two lines\n")
    secret = 'it\'s $HOME \\ "quoted" `id` %s -n'
    done = run("shop", typed=f"{secret}\nkey.pem\n", shell=shell)
    assert done.returncode == 0, done.stderr
    assert (here / "made-0").read_text() == secret
    assert (here / "made-1").read_text() == "a key\nof two lines\n"
    log = (here / "log").read_text()
    assert "--name shop-documents-master-user-password --secret-string file:///dev/stdin" in log
    assert "--name shop-certificate-private-key --secret-string file:///dev/stdin" in log
    assert secret not in log + done.stdout + done.stderr


def test_it_holds_no_literal_and_names_no_value(here: Path) -> None:
    seed(LITERAL)
    text = (here / "seed.sh").read_text()
    assert "correct-horse-battery" not in text
    assert "two lines" not in text.partition('create_from_file "')[2]
    assert "correct-horse-battery" not in (here / "t0.yaml").read_text()


def test_names_are_put_together_without_a_surprise(here: Path) -> None:
    seed(TEMPLATE)
    assert "resolve:secretsmanager:shop-api-token-${Stage}-" in (here / "t0.yaml").read_text()
    assert run("shop", typed="\ntoken\n").returncode == 0
    name = """--name shop-api-token-it's "dev"; $(touch stolen)-eu-west-1-123456789012 """
    assert name in (here / "log").read_text()
    assert not (here / "stolen").exists()
    run("shop", typed="prod\ntoken\n")
    assert "--name shop-api-token-prod-eu-west-1-123456789012 " in (here / "log").read_text()


def test_what_is_there_stays_and_what_goes_wrong_ends_it(here: Path) -> None:
    seed(LITERAL.partition("  Certificate")[0])
    done = run("there", typed="")
    assert (done.returncode, done.stdout) == (
        0,
        "exists already, not changed: there-documents-master-user-password\n",
    )
    for stack, typed, told in (
        ("gone", "x\n", "is to be deleted"),
        ("denied", "x\n", "AccessDeniedException"),
        ("shop", "\n", "no value: shop-documents-master-user-password is not made"),
        ("shop", "", "no value"),
    ):
        done = run(stack, typed=typed)
        assert done.returncode == 1
        assert told in done.stderr
    assert not (here / "made-0").exists()


def test_every_template_has_its_own_stack(here: Path) -> None:
    seed(LITERAL.partition("  Certificate")[0], TEMPLATE)
    assert run("one", typed="").returncode == 2
    told = run(typed="").stderr
    assert "usage: seed.sh STACK-OF-1 STACK-OF-2" in told
    assert '  1. "t0.yaml"\n  2. "t1.yaml"\n' in told
    assert run("one", "-", typed="value\n").returncode == 0
    assert "one-documents" in (here / "log").read_text()
    assert "api-token" not in (here / "log").read_text()


def test_without_a_secret_to_make_it_says_so(here: Path) -> None:
    (here / "t.yaml").write_text("Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n")
    assert remediator("fix", "-q", "--seed-script", "seed.sh", "t.yaml").exit_code == 0
    assert run(typed="").stdout == "there is no secret to make\n"


def test_an_older_script_is_replaced_and_becomes_private(here: Path) -> None:
    seed(LITERAL)
    (here / "seed.sh").chmod(0o755)
    seed(LITERAL)
    assert stat.S_IMODE((here / "seed.sh").stat().st_mode) == 0o700


def test_shells_take_it(here: Path) -> None:
    seed(LITERAL, TEMPLATE)
    for shell in SHELLS:
        command = [shell, "sh"] if shell == "busybox" else [shell]
        assert subprocess.run([*command, "-n", "seed.sh"], check=False).returncode == 0, shell


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing(here: Path) -> None:
    seed(LITERAL, TEMPLATE)
    subprocess.run(["shellcheck", "seed.sh"], check=True)


def test_nothing_typed_is_shown_on_a_terminal(here: Path) -> None:
    seed(LITERAL.partition("  Certificate")[0])
    parent, child = os.openpty()
    path = f"{here / 'bin'}:{os.environ['PATH']}"
    with subprocess.Popen(
        ["sh", "seed.sh", "shop"],
        stdin=child,
        stdout=child,
        stderr=child,
        env=os.environ | {"PATH": path},
    ) as process:
        os.close(child)
        shown = _read_until(parent, b"password: ")
        os.write(parent, b"hunter2hunter2\n")
        shown += _read_until(parent, b"made: ")
        assert process.wait(timeout=20) == 0
    assert b"hunter2" not in shown
    assert (here / "made-0").read_text() == "hunter2hunter2"


def _read_until(terminal: int, wanted: bytes) -> bytes:
    shown = b""
    while wanted not in shown:
        shown += os.read(terminal, 1000)
    return shown
