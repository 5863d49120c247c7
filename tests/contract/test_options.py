"""The table of session options agrees with the contract, the vendor's form and the emulator."""

from __future__ import annotations

from dataclasses import fields
from enum import StrEnum

import pytest

from local.emulator.options import SessionOptions as EmulatorOptions
from opentok_client.options import OPTIONS, Option, SessionOptions
from tests.contract.openapi import contract, resolve
from tests.options import PAIRS

SCHEMAS = contract()["components"]["schemas"]

each_option = pytest.mark.parametrize("option", OPTIONS, ids=[o.attribute for o in OPTIONS])


def test_the_table_has_every_field_of_the_session_options() -> None:
    assert {option.attribute for option in OPTIONS} == {f.name for f in fields(SessionOptions)}


@each_option
def test_the_default_in_the_table_is_that_of_the_session_options(option: Option) -> None:
    assert option.of(SessionOptions()) == option.default


@each_option
@pytest.mark.parametrize("schema", ["CreateSession", "Session"])
def test_the_contract_has_the_option_in_requests_and_responses(option: Option, schema: str) -> None:
    properties = SCHEMAS[schema].get("properties") or {
        name: node
        for part in SCHEMAS[schema]["allOf"]
        for name, node in resolve(part).get("properties", {}).items()
    }
    assert option.field in properties


@each_option
def test_the_emulator_parses_what_the_client_sends(option: Option) -> None:
    for options in PAIRS[option.attribute]:
        parsed = EmulatorOptions.from_form(options.form())
        expected = option.plain(options)
        actual = getattr(parsed, option.attribute)
        assert (actual.value if isinstance(actual, StrEnum) else actual) == expected
