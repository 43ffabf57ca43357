"""What the simulated devices say is what the parsers read: two readings of one document, written apart."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.frames import Dialogue, Options, Parser, Reply, TagRead, WeightSample
from gateways.frames.protocols import PROTOCOLS
from gateways.simulate import devices
from gateways.simulate.devices import READERS, SCALES, Device, MixError, Model, ReaderModel, ScaleModel, fit
from gateways.simulate.scales import SERIAL_NUMBER, Shown

NO_NEGATIVE = {"toledo_8217"}
GRAMS_ONLY_WHEN_STABLE = {"toledo_8217"}
SAYS_OVERLOAD = {model.protocol for model in SCALES} - {"ohaus_defender", "ohaus_scoutpro", "kern_ascii"}


def name_of(model: Model[object]) -> str:
    return "-".join([model.protocol, *(f"{key}={value}" for key, value in model.options.items())])


def options_of(model: Model[object]) -> Options:
    return Options(**{key: value for key, value in model.options.items() if key in ("unit", "checksum", "framing")})


def dialogue_of(model: Model[object]) -> Dialogue:
    return PROTOCOLS[model.protocol].dialogue_for(options_of(model))


def parser_of(model: Model[object]) -> Parser:
    return PROTOCOLS[model.protocol].make(options_of(model))


def said(model: Model[object], device: Device[object], world: object) -> bytes:
    """What the device says in one period to a host that keeps to the protocol's dialogue."""
    dialogue = dialogue_of(model)
    pushed = device.push(world)
    return pushed or b"".join(device.hear(order, world) for order in (*dialogue.start, dialogue.poll) if order)


def weights(model: ScaleModel, shown: Shown) -> list[WeightSample]:
    parser = parser_of(model)
    frame = said(model, model.make(), shown)
    return [reading for reading in parser.feed(frame) if isinstance(reading, WeightSample)]


@pytest.mark.parametrize("model", SCALES, ids=name_of)
@given(grams=st.integers(-99_999, 99_999), stable=st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_weight_and_its_rest_arrive_as_shown(model: ScaleModel, grams: int, stable: bool) -> None:
    if model.protocol in NO_NEGATIVE:
        grams = abs(grams)
    (sample,) = weights(model, Shown(grams, stable))
    assert sample.stable is stable
    if stable or model.protocol not in GRAMS_ONLY_WHEN_STABLE:
        assert sample.grams == grams
    else:
        assert sample.grams is None


@pytest.mark.parametrize("model", [m for m in SCALES if m.protocol in SAYS_OVERLOAD], ids=name_of)
def test_too_much_weight_is_no_weight(model: ScaleModel) -> None:
    (sample,) = weights(model, Shown(100_000, stable=True, overload=True))
    assert sample.grams is None
    assert sample.fault
    assert not sample.stable


def cards(model: ReaderModel) -> st.SearchStrategy[str]:
    lengths = st.sampled_from(sorted(model.digits & {8, 10, 14, 20, 24}))
    digits = lengths.flatmap(lambda n: st.text("0123456789ABCDEF", min_size=n, max_size=n))
    return digits.filter(lambda number: number.strip("0"))


@pytest.mark.parametrize("model", READERS, ids=name_of)
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_card_that_is_held_arrives_whole(model: ReaderModel, data: st.DataObject) -> None:
    number = data.draw(cards(model))
    device = model.make()
    parser = parser_of(model)
    assert [r for r in parser.feed(said(model, device, number)) if not isinstance(r, Reply)] == [TagRead(number)]
    assert not [r for r in parser.feed(said(model, device, None)) if not isinstance(r, Reply)]
    assert not parser.stats.rejects
    assert not parser.stats.noise_bytes


IDENTIFIABLE = [model for model in (*READERS, *SCALES) if dialogue_of(model).identify]


@pytest.mark.parametrize("model", IDENTIFIABLE, ids=name_of)
def test_a_device_that_is_asked_who_it_is_says_so(model: Model[object]) -> None:
    question = dialogue_of(model).identify
    assert question is not None
    world: object = None if model.digits else Shown(0, stable=True)
    answers = parser_of(model).feed(model.make().hear(question, world))
    assert [answer.name for answer in answers if isinstance(answer, Reply)][-1] == "identity"
    if model.protocol == "mt_sics":
        assert answers[-1].value == SERIAL_NUMBER  # type: ignore[union-attr]


def test_every_protocol_of_the_gateway_can_be_simulated() -> None:
    assert set(devices.PROTOCOLS) == set(PROTOCOLS)


def test_a_pn532_without_a_limit_of_retries_answers_when_a_card_comes() -> None:
    (model,) = (m for m in READERS if m.protocol == "pn532_hsu")
    device = model.make()
    listing = bytes.fromhex("0000FF04FCD44A0100E100")
    assert device.hear(listing, None) == bytes.fromhex("0000FF00FF00")
    assert device.push(None) == b""
    assert device.push("B0864D25") == bytes.fromhex("0000FF0CF4D54B010100040804B0864D252600")
    assert device.push("B0864D25") == b""


def test_an_mt_sics_scale_that_lost_power_streams_no_more() -> None:
    (model,) = (m for m in SCALES if m.protocol == "mt_sics")
    device, world = model.make(), Shown(830, stable=True)
    assert device.hear(b"SIR\r\n", world) == b"S S      0.830 kg\r\n"
    assert device.push(world)
    device.restart()
    assert device.push(world) == b""
    assert device.hear(b"S\r\n", Shown(0, stable=False)) == b"S I\r\n"
    assert device.hear(b"nonsense\r\n", world) == b"ES\r\n"


def test_a_meter_gets_a_reader_that_can_read_its_cards() -> None:
    rng = random.Random(1)
    for number, protocols in (("0D00319CD0", {"rdm6300", "id20la"}), ("B0864D25", {"pn532_hsu", "uhf_m100"})):
        fitted = {fit(devices.PROTOCOLS, [number], rng).reader.protocol for _ in range(50)}
        assert fitted == protocols
    with pytest.raises(MixError, match="no reader for card numbers of 8 digits"):
        fit(["rdm6300", "cas_22"], ["B0864D25"], rng)
    with pytest.raises(MixError, match="no scale"):
        fit(["rdm6300"], ["0D00319CD0"], rng)
    with pytest.raises(MixError, match="unknown protocol"):
        fit(["rdm630"], ["0D00319CD0"], rng)
