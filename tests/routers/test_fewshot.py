"""The router from the outside: what it learns, refuses, says of itself, and keeps."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from otto.call import OTHER, parse
from otto.example import Example
from otto.route import Context, Route
from otto.routers import saved
from otto.routers.fewshot import FewshotRouter
from otto.skill import Parameter, Skill
from otto.values.type import Limits

SKILLS = [
    Skill("timer", (Parameter("duration", "duration", required=True),)),
    Skill("lights", (Parameter("state", "choice", required=True, limits=Limits(("on", "off"))), Parameter("room"))),
    Skill("remember", (Parameter("note", required=True),)),
    Skill("stop"),
]
ROOMS = ("kitchen", "bedroom", "garage", "living room", "hall")
SAID = [
    *((f"set a timer for {time}", f'timer(duration="{time}")') for time in ("ten minutes", "an hour", "30 seconds")),
    *((f"{time} timer please", f'timer(duration="{time}")') for time in ("five minute", "two hour", "90 second")),
    ("wake me in twenty minutes", 'timer(duration="20 minutes")'),
    ("count down a quarter of an hour", 'timer(duration="15 minutes")'),
    *((f"turn on the {room} lights", f'lights(state="on", room="{room}")') for room in ROOMS),
    *((f"switch off the lamp in the {room}", f'lights(state="off", room="{room}")') for room in ROOMS),
    ("it is too dark in here", 'lights(state="on")'),
    ("lights out", 'lights(state="off")'),
    ("make it dark", 'lights(state="off")'),
    ("give me some light", 'lights(state="on")'),
    *((f"write down {note}", f'remember(note="{note}")') for note in ("buy milk", "call the plumber", "the code is 9")),
    *((f"make a note that {note}", f'remember(note="{note}")') for note in ("Ada likes tea", "the car needs oil")),
    *((text, "stop()") for text in ("stop", "be quiet", "shut up", "that's enough", "silence please", "stop it now")),
    *(
        (text, "other()")
        for text in (
            "what a lovely day", "he went home an hour ago", "the match was boring", "thanks a lot", "how are you",
            "i like your new shoes", "the milk has gone off", "never mind", "order a pizza", "who won the election",
            "see you next week", "the kitchen is being painted", "it took ten minutes to get there", "good night",
        )
    ),
]  # fmt: skip
EXAMPLES = [Example(text, parse(call)) for text, call in SAID]


@pytest.fixture(scope="module")
def router() -> FewshotRouter:
    return FewshotRouter.train(SKILLS, EXAMPLES)


@pytest.fixture
def context(now: datetime) -> Context:
    return Context(now)


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("set a timer for three hours", 'timer(duration="3 hours")'),
        ("timer for forty five minutes", 'timer(duration="45 minutes")'),
        ("turn on the bathroom lights", 'lights(state="on", room="bathroom")'),
        ("switch off the lamp in the hall please", 'lights(state="off", room="hall")'),
        ("write down feed the cat", 'remember(note="feed the cat")'),
        ("stop please", "stop()"),
        ("how are you today", "other()"),
    ],
)
def test_it_understands_what_it_never_saw(router: FewshotRouter, context: Context, text: str, call: str) -> None:
    assert router.route(text, context).calls == parse(call)


def test_most_of_what_it_was_taught_comes_back(router: FewshotRouter, context: Context) -> None:
    names = [router.route(each.text, context).calls[0].name == each.calls[0].name for each in EXAMPLES]
    assert sum(names) > 0.9 * len(names)


def test_every_route_says_how_sure_it_is_and_what_else_it_could_be(router: FewshotRouter, context: Context) -> None:
    for each in EXAMPLES:
        route = router.route(each.text, context)
        assert 0 <= route.confidence <= 1
        assert route.router == "fewshot"
        assert all(0 <= other.confidence <= 1 for other in route.alternatives)
        assert route.calls not in [other.calls for other in route.alternatives]
        assert "threshold" in route.trace


def test_a_clear_sentence_is_surer_than_a_strange_one(router: FewshotRouter, context: Context) -> None:
    strange = router.route("colourless green ideas sleep furiously", context)
    clear = router.route("set a timer for ten minutes", context)
    assert clear.confidence > 0.5
    assert strange.rejected or strange.confidence < clear.confidence


def test_what_was_just_asked_for_is_likelier(router: FewshotRouter, context: Context) -> None:
    text = "half an hour"
    plain, asked = (router.route(text, each) for each in (context, replace(context, expected="timer")))

    def share(route: Route) -> float:
        return float(route.trace.get("timer", 0.0))

    assert share(asked) > share(plain)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\n",
        "a" * 10_000,
        "set a timer " * 900,
        "\x00\x1b[2J",
        "\ud800",
        "💡💡",
        "今何時ですか",
        "‮stop",
        "()",
        '"',
    ],
)
def test_any_text_gets_a_route(router: FewshotRouter, context: Context, text: str) -> None:
    route = router.route(text, context)
    assert parse(str(route)) == route.calls


def test_two_trainings_make_the_same_router(router: FewshotRouter, context: Context) -> None:
    again = FewshotRouter.train(SKILLS, EXAMPLES)
    for text in ("set a timer for nine minutes", "lights on in the attic", "hello there"):
        one, other = router.route(text, context), again.route(text, context)
        assert (one.calls, one.confidence) == (other.calls, other.confidence)


def test_nothing_to_learn_from_means_other(context: Context) -> None:
    route = FewshotRouter.train(SKILLS, []).route("set a timer", context)
    assert (route.rejected, route.confidence) == (True, 0.0)


def test_one_skill_alone_can_be_learnt(context: Context) -> None:
    alone = FewshotRouter.train([SKILLS[3]], [each for each in EXAMPLES if each.calls[0].name == "stop"])
    assert str(alone.route("stop", context)) == "stop()"


def test_examples_of_unknown_skills_are_left_out(context: Context) -> None:
    trained = FewshotRouter.train(SKILLS[3:], EXAMPLES)
    assert trained.route("turn on the kitchen lights", context).calls[0].name in ("stop", OTHER)


class TestCache:
    """Trained once, read afterwards; damaged files cost a training and nothing else."""

    def file(self, cache: Path) -> Path:
        (found,) = (cache / "fewshot").glob("*.npz")
        return found

    def test_the_cached_router_answers_the_same(self, router: FewshotRouter, tmp_path: Path, context: Context) -> None:
        path = tmp_path / "router.npz"
        router.save(path)
        loaded = FewshotRouter.load(path)
        assert loaded is not None
        for text, _ in SAID[::4]:
            one, other = router.route(text, context), loaded.route(text, context)
            assert one.calls == other.calls
            assert one.confidence == pytest.approx(other.confidence, abs=0.02)

    def test_a_skill_that_asks_first_does_so_from_the_cache_too(self, tmp_path: Path) -> None:
        risky = [replace(skill, risk="confirm") for skill in SKILLS[3:]]
        FewshotRouter.train(risky, EXAMPLES).save(tmp_path / "router.npz")
        loaded = FewshotRouter.load(tmp_path / "router.npz")
        assert loaded is not None
        assert [loaded.trained.skills[skill.name] for skill in risky] == risky

    def test_the_second_training_is_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        FewshotRouter.train(SKILLS[3:], EXAMPLES, cache=tmp_path)
        monkeypatch.setattr("otto.routers.fewshot.fit", lambda *_: pytest.fail("trained again"))
        FewshotRouter.train(SKILLS[3:], EXAMPLES, cache=tmp_path)

    def test_other_examples_make_another_file(self, tmp_path: Path) -> None:
        FewshotRouter.train(SKILLS[3:], EXAMPLES, cache=tmp_path)
        FewshotRouter.train(SKILLS[3:], [*EXAMPLES, Example("hush", parse("stop()"))], cache=tmp_path)
        assert len(list((tmp_path / "fewshot").glob("*.npz"))) == 2

    @pytest.mark.parametrize("cut", [0.0, 0.1, 0.5, 0.9, 0.999])
    def test_a_cut_file_is_made_again(self, tmp_path: Path, context: Context, cut: float) -> None:
        FewshotRouter.train(SKILLS[3:], EXAMPLES, cache=tmp_path)
        path = self.file(tmp_path)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(cut * len(whole))])
        again = FewshotRouter.train(SKILLS[3:], EXAMPLES, cache=tmp_path)
        assert str(again.route("stop it", context)) == "stop()"
        assert FewshotRouter.load(path) is not None

    def test_a_file_of_other_code_is_not_read(
        self, router: FewshotRouter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        router.save(tmp_path / "router.npz")
        monkeypatch.setattr(saved, "code_version", lambda: "another")
        assert FewshotRouter.load(tmp_path / "router.npz") is None

    def test_a_folder_that_cannot_be_written_does_not_matter(self, tmp_path: Path, context: Context) -> None:
        (tmp_path / "fewshot").write_text("a file where a folder should be", encoding="utf-8")
        trained = FewshotRouter.train(SKILLS[3:], EXAMPLES, cache=tmp_path)
        assert str(trained.route("stop it", context)) == "stop()"

    def test_old_routers_are_removed(self, router: FewshotRouter, tmp_path: Path) -> None:
        for number in range(saved.KEPT + 3):
            router.save(tmp_path / f"{number}.npz")
        assert len(list(tmp_path.glob("*.npz"))) == saved.KEPT

    def test_what_is_in_use_stays_whatever_else_is_tried(self, tmp_path: Path) -> None:
        FewshotRouter.train(SKILLS[3:], EXAMPLES, cache=tmp_path)
        path = self.file(tmp_path)
        for number in range(saved.KEPT + 1):
            assert path.exists(), number
            FewshotRouter.train(SKILLS[3:], EXAMPLES, cache=tmp_path)
            FewshotRouter.train(SKILLS[3:], [Example(f"try {number}", parse("stop()"))], cache=tmp_path)
        assert path.exists()

    def test_training_goes_on_from_the_likest_not_from_the_last(self, tmp_path: Path) -> None:
        FewshotRouter.train(SKILLS[3:], EXAMPLES, cache=tmp_path)
        FewshotRouter.train(SKILLS[3:], [Example("something else", parse("stop()"))], cache=tmp_path)
        more = FewshotRouter.train(SKILLS[3:], [*EXAMPLES, Example("hush now", parse("stop()"))], cache=tmp_path)
        assert saved.recall(more.trained).changed == 1


class TestChange:
    """A changed example is learnt from earlier weights."""

    def test_a_new_skill_answers(self, router: FewshotRouter, context: Context) -> None:
        door = Skill("door")
        said = ("open the door", "unlock the front door", "let me in", "open up the door please", "door open")
        added = [Example(text, parse("door()")) for text in said]
        changed = FewshotRouter.train([*SKILLS, door], [*EXAMPLES, *added], previous=router)
        assert str(changed.route("open the front door", context)) == "door()"
        assert str(changed.route("set a timer for three hours", context)) == 'timer(duration="3 hours")'

    def test_a_skill_that_is_gone_never_answers(self, router: FewshotRouter, context: Context) -> None:
        kept = [each for each in EXAMPLES if each.calls[0].name != "stop"]
        changed = FewshotRouter.train(SKILLS[:3], kept, previous=router)
        for text in ("stop", "be quiet", "shut up"):
            route = changed.route(text, context)
            assert "stop" not in [
                call.name for calls in (route.calls, *(o.calls for o in route.alternatives)) for call in calls
            ]

    def test_what_has_not_changed_is_kept(self, router: FewshotRouter) -> None:
        changed = FewshotRouter.train(SKILLS, [*EXAMPLES, Example("hush", parse("stop()"))], previous=router)
        assert changed.trained.arguments["timer"] is router.trained.arguments["timer"]
        assert changed.trained.projection is router.trained.projection


def test_threads_get_what_one_gets(router: FewshotRouter, context: Context) -> None:
    texts = [text for text, _ in SAID]
    alone = [str(router.route(text, context)) for text in texts]
    together: dict[int, list[str]] = {}

    def run(number: int) -> None:
        together[number] = [str(router.route(text, context)) for text in texts]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(together[number] == alone for number in range(4))
