"""A bot's settings: four sources, their order, their mistakes, and a token that nobody gets to read."""

import base64
import datetime
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import hikari
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisp.config import Config, load
from wisp.errors import CheckError, Problem


def token_of(bot_id: int, secret: str = "aB3-" * 7) -> str:
    return f"{base64.urlsafe_b64encode(str(bot_id).encode()).decode().rstrip('=')}.GabcDe.{secret}"


TOKEN = token_of(123456789012345678)
OTHER_TOKEN = token_of(876543210987654321)


def problems(directory: Path, environ: dict[str, str] | None = None, **arguments: Any) -> list[Problem]:
    with pytest.raises(CheckError) as caught:
        load(directory, environ or {}, **arguments)
    return [*caught.value.problems]


def only(directory: Path, environ: dict[str, str] | None = None, **arguments: Any) -> Problem:
    [mistake] = problems(directory, environ, **arguments)
    return mistake


def write(directory: Path, name: str, text: str | bytes) -> Path:
    path = directory / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return path


def test_without_any_source_the_settings_are_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, {}) == Config()
    assert Config().database == "wisp.db"
    assert Config().log_level == "INFO"


def test_a_directory_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert load(tmp_path / "nowhere", {}) == Config()


def test_every_setting_is_read_from_the_environment(tmp_path: Path) -> None:
    environ = {
        "DISCORD_TOKEN": TOKEN,
        "WISP_REST_URL": "http://localhost:8080/api/v10/",
        "WISP_DATABASE": "data/bot.db",
        "WISP_OWNERS": "1, 2 3,1",
        "WISP_INTENTS": "MESSAGE_CONTENT,GUILD_MEMBERS",
        "WISP_GUILDS": "4",
        "WISP_LOG_LEVEL": "debug",
        "PATH": "/bin",
    }
    assert load(tmp_path, environ) == Config(
        token=TOKEN,
        rest_url="http://localhost:8080/api/v10",
        database="data/bot.db",
        owners=(1, 2, 3),
        intents=("MESSAGE_CONTENT", "GUILD_MEMBERS"),
        guilds=(4,),
        log_level="DEBUG",
    )


def test_every_setting_is_read_from_wisp_toml_and_modules_are_kept_as_they_are(tmp_path: Path) -> None:
    text = f"""
        token = "{TOKEN}"
        rest_url = "https://example.com"
        database = "bot.db"
        owners = [1, "2"]
        intents = ["MESSAGE_CONTENT"]
        guilds = 3
        log_level = "WARNING"
        [modules.greeter]
        token = 7
        nested = {{ a = [1, 2], day = 2024-01-02 }}
    """
    write(tmp_path, "wisp.toml", text)
    assert load(tmp_path, {}) == Config(
        token=TOKEN,
        rest_url="https://example.com",
        database="bot.db",
        owners=(1, 2),
        intents=("MESSAGE_CONTENT",),
        guilds=(3,),
        log_level="WARNING",
        modules={"greeter": {"token": 7, "nested": {"a": [1, 2], "day": datetime.date(2024, 1, 2)}}},
    )


def test_every_setting_is_read_from_arguments(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        {},
        token=TOKEN,
        rest_url="http://127.0.0.1:1",
        database="a.db",
        owners=[1],
        intents=hikari.Intents.MESSAGE_CONTENT | hikari.Intents.GUILD_MEMBERS,
        guilds=(2,),
        log_level="ERROR",
    )
    assert config == Config(
        token=TOKEN,
        rest_url="http://127.0.0.1:1",
        database="a.db",
        owners=(1,),
        intents=("GUILD_MEMBERS", "MESSAGE_CONTENT"),
        guilds=(2,),
        log_level="ERROR",
    )


def test_a_list_of_intents_is_an_argument_too(tmp_path: Path) -> None:
    assert load(tmp_path, {}, intents=[hikari.Intents.GUILDS, "ALL_DMS"]).intents == ("GUILDS", "ALL_DMS")


def test_for_each_setting_the_first_source_that_says_something_wins(tmp_path: Path) -> None:
    write(tmp_path, "wisp.toml", 'database = "toml"\nlog_level = "DEBUG"\nguilds = [4]\nowners = [4]')
    write(tmp_path, ".env", "WISP_DATABASE=dotenv\nWISP_LOG_LEVEL=ERROR\nWISP_GUILDS=3")
    config = load(tmp_path, {"WISP_DATABASE": "environment", "WISP_LOG_LEVEL": "WARNING"}, database="argument")
    assert config == Config(database="argument", log_level="WARNING", guilds=(3,), owners=(4,))


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_value_says_nothing_in_any_source(tmp_path: Path, empty: str) -> None:
    write(tmp_path, "wisp.toml", f'token = "{TOKEN}"\nlog_level = "{empty}"')
    write(tmp_path, ".env", f'DISCORD_TOKEN="{empty}"\nWISP_LOG_LEVEL={empty}')
    assert load(tmp_path, {"DISCORD_TOKEN": empty}, token=empty, log_level=None) == Config(token=TOKEN)


DOTENV = {
    "plain": f"DISCORD_TOKEN={TOKEN}",
    "with export": f"export DISCORD_TOKEN={TOKEN}",
    "with space": f"  DISCORD_TOKEN = {TOKEN}  ",
    "in single quotes": f"DISCORD_TOKEN='{TOKEN}'",
    "in double quotes": f'DISCORD_TOKEN="{TOKEN}" # mine',
    "with comments": f"# a comment\n\nDISCORD_TOKEN={TOKEN} # mine\n#DISCORD_TOKEN=no",
    "with BOM and CRLF": f"\ufeffDISCORD_TOKEN={TOKEN}\r\nFOO=bar\r\n",
    "the last counts": f"DISCORD_TOKEN={OTHER_TOKEN}\nDISCORD_TOKEN={TOKEN}",
    "beside names of others": f"FOO=\"it's ${{BAR}}\nMY-NAME='x\nmy.name=1\nDISCORD_TOKEN={TOKEN}",
    "beside a key of others": f'KEY="-----BEGIN\nDISCORD_TOKEN=no\nabc==\n-----END"\nDISCORD_TOKEN={TOKEN}',
    "an export alone": f"export FOO\nDISCORD_TOKEN={TOKEN}",
}


@pytest.mark.parametrize("text", DOTENV.values(), ids=DOTENV)
def test_a_dotenv_file_is_read_as_people_write_it(tmp_path: Path, text: str) -> None:
    write(tmp_path, ".env", text)
    assert load(tmp_path, {}) == Config(token=TOKEN)


def test_quotes_keep_spaces_and_hashes_and_nothing_is_interpolated(tmp_path: Path) -> None:
    write(tmp_path, ".env", "WISP_DATABASE='a #$HOME b.db'")
    assert load(tmp_path, {}).database == "a #$HOME b.db"


def test_a_hash_begins_a_comment_only_after_a_space(tmp_path: Path) -> None:
    write(tmp_path, ".env", "WISP_DATABASE=a#b.db #c\nWISP_LOG_LEVEL= # none")
    assert load(tmp_path, {}) == Config(database="a#b.db")


NAME = "WISP_EMBED_FOOTER"
# as python-dotenv 1.2.4 reads them
READ = {
    f"{NAME}=#ff8800": "#ff8800",
    f"{NAME}=#ff8800 # orange": "#ff8800",
    f"{NAME}=#": "#",
    f"{NAME}= # none": None,
    f"{NAME}=a#b": "a#b",
    f"{NAME}=a\t#b": "a",
    f"{NAME}=a # b # c": "a",
    f"{NAME}='#a' # b": "#a",
    f'{NAME}="#a"#b': "#a",
    f"{NAME}=a b": "a b",
    f"{NAME}=a=b": "a=b",
    f"{NAME}=it's": "it's",
    f"{NAME}='it\\'s'": "it's",
    f'{NAME}="it\\"s"': 'it"s',
    f'{NAME}="a\\\\b"': "a\\b",
    f'{NAME}="a\\qb"': "a\\qb",
    f"{NAME}=C:\\new\\bot.db": "C:\\new\\bot.db",
    f"{NAME}=$HOME": "$HOME",
    f"{NAME}='${{HOME}}'": "${HOME}",
    f"{NAME}=''": None,
    f"{NAME}=a\n{NAME}=": None,
    f"{NAME}=a\n{NAME}=b": "b",
    f"{NAME}=a\rX=2": "a",
    f"{NAME}=a\r\nX='\r\n": "a",
    f"export\t{NAME} =  a": "a",
    f"export {NAME}": None,
    f"\t#{NAME}=a\n  # b=c": None,
    f"X='one\n{NAME}=a\n'\n{NAME}=b": "b",
    f'X="one\n{NAME}=a': "a",
    f"X='one' two\n{NAME}=a": "a",
}


@pytest.mark.parametrize(("text", "value"), READ.items())
def test_a_line_of_dotenv_is_what_python_dotenv_makes_of_it(tmp_path: Path, text: str, value: str | None) -> None:
    write(tmp_path, ".env", text)
    assert load(tmp_path, {}).embed_footer == value


UNSURE = {
    f"{NAME}=# a": ("it has ${...}, a backslash in quotes, or a #", 1),
    f"{NAME}=#a b": ("it has ${...}, a backslash in quotes, or a #", 1),
    f'{NAME}="a\\nb"': ("it has ${...}, a backslash in quotes, or a #", 1),
    f'{NAME}="C:\\new"': ("it has ${...}, a backslash in quotes, or a #", 1),
    f"{NAME}='a\\\\b'": ("it has ${...}, a backslash in quotes, or a #", 1),
    f'{NAME}="\\$HOME"': ("it has ${...}, a backslash in quotes, or a #", 1),
    f"X=1\n{NAME}=${{HOME}}": ("it has ${...}, a backslash in quotes, or a #", 2),
    f'{NAME}="${{NOPE:-x}}"': ("it has ${...}, a backslash in quotes, or a #", 1),
    f'{NAME}="C:\\dir\\"': ("its quotes are not closed at the end of the value", 1),
    f"X=1\r\n\r\n{NAME}='one\r\ntwo'\r\n": ("its quotes are not closed at the end of the value", 3),
}


@pytest.mark.parametrize(("text", "told"), UNSURE.items())
def test_what_others_would_read_differently_is_a_mistake_and_no_value(
    tmp_path: Path, text: str, told: tuple[str, int]
) -> None:
    path = write(tmp_path, ".env", text)
    mistake = only(tmp_path)
    assert (mistake.where, mistake.file, mistake.line) == (NAME, str(path), told[1])
    assert mistake.message.startswith(told[0])


@pytest.mark.parametrize("line", ["WISP_DATABASE='a.db", 'WISP_DATABASE="a.db" x', "WISP_DATABASE='"])
def test_a_quote_that_does_not_close_at_the_end_of_its_line_is_named_with_the_line(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, ".env", f"FOO=1\n{line}\nBAR='")
    mistake = only(tmp_path)
    assert (mistake.where, mistake.file, mistake.line) == ("WISP_DATABASE", str(path), 2)
    assert "quote" in mistake.fix


@pytest.mark.parametrize("line", ["DISCORD_TOKEN", "DISCORD TOKEN=x", "=x", TOKEN, f"'{TOKEN}'=", "export"])
def test_a_line_that_is_no_assignment_is_named_by_its_number_and_not_quoted(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, ".env", f"# one\n\n{line}")
    mistake = only(tmp_path)
    assert (mistake.where, mistake.file, mistake.line) == ("line", str(path), 3)
    assert line.strip("=") not in str(mistake).replace("NAME=value", "")


def test_an_unknown_name_is_answered_with_the_nearest_known_one_and_its_place(tmp_path: Path) -> None:
    dotenv = write(tmp_path, ".env", "\nWISP_OWNER=1")
    toml = write(tmp_path, "wisp.toml", 'database = "a"\n\nlog_levl = "INFO"')
    found = problems(tmp_path, {"WISP_GILDS": "1", "WISP_TOKEN": TOKEN}, tokn=TOKEN)
    assert [(m.where, m.fix, m.file, m.line) for m in found] == [
        ("argument tokn", "Did you mean token?", None, None),
        ("environment variable WISP_GILDS", "Did you mean WISP_GUILDS?", None, None),
        ("environment variable WISP_TOKEN", "Did you mean DISCORD_TOKEN?", None, None),
        ("WISP_OWNER", "Did you mean WISP_OWNERS?", str(dotenv), 2),
        ("log_levl", "Did you mean log_level?", str(toml), 3),
    ]
    assert {m.message for m in found} == {"there is no such setting"}


def test_a_name_like_no_other_is_answered_with_all_that_are_known(tmp_path: Path) -> None:
    assert only(tmp_path, {"WISP_XYZ": "1"}).fix.startswith("Known are DISCORD_TOKEN, ")
    assert only(tmp_path, zzz=1).fix.startswith("Known are token, ")


def test_all_problems_of_all_sources_come_at_once_overruled_ones_too(tmp_path: Path) -> None:
    write(tmp_path, ".env", "WISP_LOG_LEVEL=LOUD\nDISCORD_TOKEN=abc")
    write(tmp_path, "wisp.toml", 'owners = ["ada"]\nguilds = [true]')
    found = problems(tmp_path, {"WISP_LOG_LEVEL": "INFO"}, rest_url="localhost")
    assert [(m.where, m.line) for m in found] == [
        ("argument rest_url", None),
        ("WISP_LOG_LEVEL", 1),
        ("DISCORD_TOKEN", 2),
        ("owners", 1),
        ("guilds", 2),
    ]


OVERRULED = "DISCORD_TOKEN=your-token-here\nWISP_REST_URL=localhost\nWISP_DATABASE='a\nWISP_GUILDS=mine\nTOKEN=x"
OVERRIDES: dict[str, Any] = {"token": TOKEN, "rest_url": "http://127.0.0.1:1", "database": "b.db", "guilds": ()}


def test_what_sources_say_of_an_overridden_setting_is_not_even_looked_at(tmp_path: Path) -> None:
    write(tmp_path, ".env", OVERRULED)
    write(tmp_path, "wisp.toml", "token = 1\ndatabase = 2\nrest_url = 3\nguilds = 'x'\nowners = [4]")
    config = load(tmp_path, {"DISCORD_TOKEN": "abc"}, token="Bot", database=7, overrides=OVERRIDES)
    assert config == Config(token=TOKEN, rest_url="http://127.0.0.1:1", database="b.db", owners=(4,))


def test_an_override_of_none_is_the_default(tmp_path: Path) -> None:
    assert load(tmp_path, {"WISP_DATABASE": "a.db"}, overrides={"database": None}).database == "wisp.db"


def test_an_override_is_checked_itself_and_the_problems_of_other_settings_stay(tmp_path: Path) -> None:
    write(tmp_path, ".env", f"{OVERRULED}\nWISP_OWNERS=ada\nWISP_GILDS=1")
    with pytest.raises(CheckError) as caught:
        load(tmp_path, {}, overrides={**OVERRIDES, "token": "abc"})
    found = [(mistake.where, mistake.line) for mistake in caught.value.problems]
    assert found == [("argument token", None), ("WISP_OWNERS", 6), ("WISP_GILDS", 7)]


def test_an_override_of_no_setting_is_an_error_in_the_code(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"expected overrides out of token, .*, got modules, tokn"):
        load(tmp_path, {}, overrides={"tokn": TOKEN, "modules": {}, "guilds": ()})


def test_a_token_under_another_name_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, ".env", f"TOKEN={OTHER_TOKEN}\nDISCORD_TOKN=x\nGITHUB_TOKEN=y")
    assert load(tmp_path, {}) == Config()


TOKENS = {
    "with the word Bot": (f"Bot {TOKEN}", 'it begins with the word "Bot"'),
    "of one part": ("abc", "expected three parts of letters, digits, - and _, with dots between"),
    "of two parts": (TOKEN.rpartition(".")[0], "expected three parts"),
    "of four parts": (f"{TOKEN}.x", "expected three parts"),
    "of an empty part": (f"{TOKEN.rpartition('.')[0]}.", "expected three parts"),
    "in quotes": (f"'{TOKEN}'", "expected three parts"),
    "that is a number": (7, "expected the token as a string, got a value of type int"),
    "that is bytes": (TOKEN.encode(), "expected the token as a string, got a value of type bytes"),
}


@pytest.mark.parametrize(("token", "problem"), TOKENS.values(), ids=TOKENS)
def test_a_token_of_wrong_shape_is_refused_and_only_how_is_said(tmp_path: Path, token: Any, problem: str) -> None:
    mistake = only(tmp_path, token=token)
    assert mistake.message.startswith(problem)
    assert str(token) not in str(mistake)


@pytest.mark.parametrize("bot_id", [1, 12, 123, 2**63 - 1])
def test_a_token_of_any_bot_passes_whatever_the_length_of_its_id(tmp_path: Path, bot_id: int) -> None:
    assert load(tmp_path, {"DISCORD_TOKEN": f" {token_of(bot_id)}\n"}).token == token_of(bot_id)


@pytest.mark.parametrize("token", [TOKEN, token_of(1), f"Bot {token_of(1)}", f"{token_of(1, 'xyz')} ", "MTIz.abc.xyz"])
@pytest.mark.parametrize("name", ["rest_url", "owners", "guilds", "intents", "log_level"])
def test_a_token_that_was_put_in_the_wrong_place_is_not_quoted(tmp_path: Path, name: str, token: str) -> None:
    write(tmp_path, ".env", f"WISP_{name.upper()}={token}\nWISP_{token}=1\n{token}\n")
    write(tmp_path, "wisp.toml", f'{name} = "{token}"\n"{token}" = 1')
    said = str(problems(tmp_path, {f"WISP_{name.upper()}": token, f"WISP_{token}": ""}, **{name: token, token: token}))
    assert token.strip().rpartition(".")[2] not in said


WRONG = {
    "a URL without scheme": ("rest_url", "discord.com/api", "got 'discord.com/api'"),
    "a URL of another scheme": ("rest_url", "ftp://discord.com", "got 'ftp://discord.com'"),
    "a URL without host": ("rest_url", "https://", "got 'https://'"),
    "a URL of a wrong port": ("rest_url", "http://a:99999", "got 'http://a:99999'"),
    "a URL of a broken host": ("rest_url", "http://[::1", "got 'http://[::1'"),
    "a URL with a space": ("rest_url", "http://a b", "got 'http://a b'"),
    "a URL that is a number": ("rest_url", 8080, "got a value of type int"),
    "a path that is a list": ("database", [], "got a value of type list"),
    "an owner's name": ("owners", ["ada"], "got ada"),
    "an owner that is true": ("owners", True, "got True"),
    "an owner that is a fraction": ("owners", [1.5], "got 1.5"),
    "an owner below 1": ("owners", [0], "got 0"),
    "an owner past 64 bits": ("owners", [2**63], f"got {2**63}"),
    "an owner past printing": ("owners", [10**5000], "got a value of type int"),
    "guilds that are a table": ("guilds", {}, "got a value of type dict"),
    "not an intent": ("intents", "MESSAGES_CONTENT", "expected names of intents, got MESSAGES_CONTENT"),
    "intents as a number": ("intents", 32768, "expected names of intents, got 32768"),
    "an unknown level": ("log_level", "LOUD", "got LOUD"),
    "a level that is a number": ("log_level", 10, "expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL, got 10"),
}


@pytest.mark.parametrize(("name", "value", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_answered_with_what_was_expected_and_what_came(
    tmp_path: Path, name: str, value: Any, said: str
) -> None:
    mistake = only(tmp_path, **{name: value})
    assert mistake.where == f"argument {name}"
    assert said in mistake.message
    assert mistake.fix


def test_an_unknown_intent_is_answered_with_the_nearest(tmp_path: Path) -> None:
    assert only(tmp_path, {"WISP_INTENTS": "message_content"}).fix == "Did you mean MESSAGE_CONTENT?"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = \n", 2),
        ('database = "a"\ndatabase = "b"\n', 2),
        ("[modules.a]\nx = 1\n[modules.a]\n", 3),
        ('a = 1\nb = "unclosed', 2),
        ("[modules", 1),
        ("a = 1979-13-01", 1),
        ("x = " + "[" * 100_000, None),
        ("x = " + "1" * 5000, None),
    ],
)
def test_text_that_is_not_toml_is_named_with_file_and_line(tmp_path: Path, text: str, line: int | None) -> None:
    path = write(tmp_path, "wisp.toml", text)
    mistake = only(tmp_path)
    assert (mistake.where, mistake.file, mistake.line) == ("file", str(path), line)


@pytest.mark.parametrize("text", ['a = {{ "{0}" = 1, "{0}" = 2 }}', '[a."{0}"]\n[a."{0}"]', '"{0}" = 1\n"{0}" = 2'])
def test_a_token_for_a_name_that_stands_twice_is_not_quoted(tmp_path: Path, text: str) -> None:
    write(tmp_path, "wisp.toml", text.format(TOKEN))
    mistake = only(tmp_path)
    assert TOKEN not in str(mistake)
    assert mistake.line == 1 + text.count("\n")


def test_the_line_of_a_wrong_entry_is_found_in_quoted_names_and_tables(tmp_path: Path) -> None:
    path = write(
        tmp_path, "wisp.toml", '# owners\n"owners" = "x"\nguilds.a = 1\n[intents]\nb = 1\n[modules]\nc = 1\n[d]\n'
    )
    found = problems(tmp_path)
    assert [(m.where, m.line) for m in found] == [
        ("owners", 2),
        ("guilds", 3),
        ("intents", 4),
        ("modules", 6),
        ("d", 8),
    ]
    assert {m.file for m in found} == {str(path)}


def test_a_module_whose_settings_are_no_table_is_named(tmp_path: Path) -> None:
    write(tmp_path, "wisp.toml", "[modules]\ngreeter = 1")
    mistake = only(tmp_path)
    assert mistake.message == "expected a table for each module"


@pytest.mark.parametrize("name", [".env", "wisp.toml"])
def test_a_file_that_is_not_utf_8_is_named_with_the_line(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, b"# one\n# caf\xe9\n")
    mistake = only(tmp_path)
    assert (mistake.file, mistake.line, mistake.message) == (str(path), 2, "it is not UTF-8 text")


@pytest.mark.parametrize("name", [".env", "wisp.toml"])
def test_a_directory_in_place_of_a_file_is_a_problem(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    mistake = only(tmp_path)
    assert (mistake.file, mistake.message) == (str(tmp_path / name), "it cannot be read: Is a directory")


@pytest.mark.parametrize("name", [".env", "wisp.toml"])
def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    try:
        path.symlink_to(path)  # a loop: nobody can read it, root neither
    except OSError as error:
        pytest.skip(f"no symbolic links here: {error}")
    mistake = only(tmp_path)
    assert mistake.file == str(path)
    assert mistake.message.startswith("it cannot be read: ")


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    write(tmp_path, "wisp.toml", '\ufeffdatabase = "a.db"\r\n')
    assert load(tmp_path, {}).database == "a.db"


def test_the_repr_of_the_settings_shows_neither_token_nor_what_else_may_be_secret() -> None:
    secrets = {"greeter": {"password": "hunter2"}}
    config = Config(token=TOKEN, rest_url="http://me:hunter2@localhost", modules=secrets, guilds=(1,))
    rich = dict(config.__rich_repr__())
    for text in (repr(config), str(config), f"{config}", str(rich)):
        assert TOKEN not in text
        assert "hunter2" not in text
    assert repr(config) == (
        "Config(token='<hidden>', rest_url='<hidden>', database='wisp.db', owners=(), intents=(), guilds=(1,),"
        " log_level='INFO', durability='normal', embed_color=None, embed_footer=None, strict=False,"
        " modules=['greeter'])"
    )
    assert repr(Config()).startswith("Config(token=None, rest_url=None, ")


PIECES = st.sampled_from(
    [
        *("DISCORD_TOKEN", "WISP_OWNERS", "WISP_REST_URL", "WISP_DATABASE", "WISP_INTENTS", "WISP_LOG_LEVEL", "WISP_X"),
        *("token", "owners", "rest_url", "database", "intents", "guilds", "log_level", "[modules", "modules.a", "FOO"),
        *(
            "=",
            "= ",
            "\n",
            "\n",
            "\r\n",
            "\r",
            '"',
            "'",
            "#",
            "export ",
            "[",
            "]",
            "{",
            "}",
            ".",
            ",",
            " ",
            '"""',
            "\\",
        ),
        *("1", "GUILDS", "INFO", "http://a", "Bot ", "\ufeff", "\0", "\u2028", "é"),
        *(TOKEN, TOKEN, f'"{TOKEN}"', f"Bot {TOKEN}", f"{TOKEN}.x"),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=15).map("".join) | st.text()


def settle(directory: Path, environ: dict[str, str], **arguments: Any) -> str:
    """What can be read of a start: the settings, or the mistakes with all that is chained to them.

    A token that somebody gives as the database or the URL is not the bot's token, and not looked for there.
    """
    try:
        config = load(directory, environ, **arguments)
    except CheckError as error:
        return "".join([*traceback.format_exception(error), repr(error), *map(repr, error.problems)])
    return repr(msgspec.structs.replace(config, database="", rest_url=None, modules={}))


@pytest.mark.parametrize("name", [".env", "wisp.toml"])
@given(data=st.data())
def test_any_text_as_a_file_loads_or_is_a_mistake_and_tells_no_token(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    directory = tmp_path_factory.getbasetemp()
    write(directory, name, data.draw(TEXTS))
    try:
        said = settle(directory, {})
    finally:
        (directory / name).unlink()
    assert TOKEN not in said
    assert TOKEN.rpartition(".")[2] not in said


@pytest.mark.parametrize("name", [".env", "wisp.toml"])
@given(data=st.binary())
def test_any_bytes_as_a_file_load_or_are_a_problem(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes
) -> None:
    directory = tmp_path_factory.getbasetemp()
    write(directory, name, data)
    try:
        settle(directory, {})
    finally:
        (directory / name).unlink()


NAMES = ["token", "rest_url", "database", "owners", "intents", "guilds", "log_level", "modules", "x"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_any_argument_is_taken_or_is_a_mistake_and_tells_no_token(arguments: dict[str, Any]) -> None:
    said = settle(Path(os.devnull), {}, **arguments)
    assert TOKEN.rpartition(".")[2] not in said


@given(
    st.dictionaries(st.sampled_from(["DISCORD_TOKEN", "WISP_OWNERS", "WISP_INTENTS", "WISP_REST_URL", TOKEN]), TEXTS)
)
def test_any_environment_is_taken_or_is_a_mistake_and_tells_no_token(environ: dict[str, str]) -> None:
    assert TOKEN.rpartition(".")[2] not in settle(Path(os.devnull), {**environ, f"WISP_{TOKEN}": "1"})


@pytest.mark.usefixtures("real_start")
def test_a_lone_import_brings_in_neither_hikari_nor_the_readers_of_files() -> None:
    code = "import sys, json, msgspec; old = {*sys.modules}; import wisp.config; print(*{*sys.modules} - old)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(printed.split()) & {"hikari", "tomllib", "urllib.parse", "pathlib"} == set()


@pytest.mark.usefixtures("real_start")
def test_the_reader_of_dotenv_files_is_loaded_only_if_there_is_one(tmp_path: Path) -> None:
    load_it = "import sys, pathlib, wisp.config; wisp.config.load(pathlib.Path(sys.argv[1]), {})"
    code = f"{load_it}; print('wisp.dotenv' in sys.modules)"
    command = [sys.executable, "-c", code, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
    write(tmp_path, ".env", "# nothing")
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "True\n"
