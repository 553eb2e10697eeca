"""The web page in Chromium, as a user meets it. Screenshots go to the folder that is given; tests/page/run.sh runs this."""

import json
import pathlib
import sys
import unittest

from chromium import Chromium, Page
from fake_server import FakeServer

SCREENS = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else "build/page")
LAST = "document.querySelector('.from-model:last-child')"
DONE = f"{LAST} && !{LAST}.classList.contains('growing')"


def setUpModule():
    global browser, server
    SCREENS.mkdir(parents=True, exist_ok=True)
    server = FakeServer()
    browser = Chromium()


def tearDownModule():
    browser.close()
    server.shutdown()


class PageTest(unittest.TestCase):
    def setUp(self):
        server.reset()
        self.pages = []

    def open(self, **how):
        page = Page(browser, server.origin, **how)
        self.pages.append(page)
        return page

    def tearDown(self):
        for page in self.pages:
            complaints = page.complaints()
            page.close()
            self.assertEqual(complaints, [])

    def say(self, page, text, wait=True):
        page.run("document.querySelector('#prompt').focus()")
        page.type(text)
        page.press("Enter")
        if wait:
            page.wait(DONE)


class Conversation(PageTest):
    def test_sending_streams_an_answer(self):
        page = self.open()
        self.say(page, "Explain continuous batching", wait=False)
        page.wait(f"{LAST}?.classList.contains('growing') && {LAST}.innerText.length > 20")
        self.assertNotIn("That is all", page.run(f"{LAST}.innerText"), "it shows before it is whole")
        self.assertEqual(page.run("document.querySelector('#log').getAttribute('aria-busy')"), "true")
        page.wait(DONE)
        self.assertIn("That is all it takes.", page.run(f"{LAST}.innerText"))
        self.assertIn("tokens/s", page.run(f"{LAST}.querySelector('.figures').innerText"))
        self.assertEqual(page.run("document.querySelector('#prompt').value"), "")
        self.assertEqual(page.run("document.querySelector('#status').innerText"), "Answer complete.")
        path, body = server.asked[-1]
        self.assertEqual(path, "/v1/chat/completions")
        self.assertEqual(body["model"], "llama-3.2-1b-instruct")
        self.assertEqual(body["messages"], [{"role": "user", "content": "Explain continuous batching"}])
        self.assertIs(body["stream"], True)
        self.assertNotIn("temperature", body, "what is not set is left to the server")

    def test_the_conversation_goes_with_each_message(self):
        page = self.open()
        self.say(page, "one")
        self.say(page, "two")
        roles = [message["role"] for message in server.asked[-1][1]["messages"]]
        self.assertEqual(roles, ["user", "assistant", "user"])
        self.assertEqual(server.asked[-1][1]["messages"][1]["content"], "You said: one 🐫")

    def test_stop_ends_the_answer_and_the_servers_work(self):
        page = self.open()
        self.say(page, "endless", wait=False)
        page.wait(f"{LAST}?.innerText.length > 20")
        page.click("#stop")
        page.wait(DONE)
        self.assertTrue(server.gone.wait(5), "the server hears of it")
        self.assertIn("Stopped", page.run(f"{LAST}.innerText"))
        self.say(page, "hello")
        self.assertIn("You said: hello", page.run(f"{LAST}.innerText"))

    def test_an_answer_is_made_again(self):
        page = self.open()
        self.say(page, "one")
        self.say(page, "two")
        self.assertEqual(page.run("document.querySelectorAll('.again').length"), 1, "the last one only")
        page.click(".again")
        page.wait(f"{DONE} && document.querySelectorAll('.from-model').length === 2")
        self.assertEqual(len(server.asked), 3)
        self.assertEqual(server.asked[2][1]["messages"], server.asked[1][1]["messages"])

    def test_a_new_conversation_starts_from_nothing(self):
        page = self.open()
        self.say(page, "one")
        page.click("#new-chat")
        self.assertFalse(page.run("document.querySelector('#welcome').hidden"))
        self.say(page, "two")
        self.assertEqual(len(server.asked[-1][1]["messages"]), 1)

    def test_parameters_and_the_system_prompt_are_sent(self):
        page = self.open()
        values = {"system": "Be brief.", "temperature": "0.7", "top_p": "0.9", "top_k": "40", "max_tokens": "64", "seed": "7",
                  "stop-strings": "END\\n\nUser:"}
        for name, value in values.items():
            page.run(f"document.getElementById({json.dumps(name)}).value = {json.dumps(value)}")
        self.say(page, "hello")
        body = server.asked[-1][1]
        self.assertEqual(body["messages"][0], {"role": "system", "content": "Be brief."})
        sent = {name: body.get(name) for name in ("temperature", "top_p", "top_k", "max_tokens", "seed", "stop")}
        self.assertEqual(sent, {"temperature": 0.7, "top_p": 0.9, "top_k": 40, "max_tokens": 64, "seed": 7,
                                "stop": ["END\n", "User:"]})

    def test_a_wrong_parameter_is_named_and_nothing_is_sent(self):
        page = self.open()
        page.run("document.getElementById('top_p').value = '1.5'")
        self.say(page, "hello", wait=False)
        self.assertIn("Top-p", page.wait("document.querySelector('#notice').innerText"))
        self.assertEqual(page.run("document.activeElement.id"), "top_p")
        self.assertEqual(page.run("document.querySelector('#prompt').value"), "hello", "what was typed stays")
        self.assertEqual(server.asked, [])

    def test_without_a_chat_template_the_model_continues_the_text(self):
        server.has_template = False
        page = self.open()
        self.say(page, "Once upon a time")
        self.assertEqual([path for path, _ in server.asked], ["/v1/chat/completions", "/v1/completions"])
        self.assertEqual(server.asked[-1][1]["prompt"], "Once upon a time")
        self.assertIn("no chat template", page.run("document.querySelector('#notice').innerText"))
        self.say(page, " and then")
        self.assertEqual(server.asked[-1][0], "/v1/completions", "it is not asked twice")
        self.assertEqual(server.asked[-1][1]["prompt"], "Once upon a timeYou said: Once upon a time 🐫 and then")

    def test_what_the_server_refuses_is_shown_in_its_words(self):
        server.failure = (429, "The queue is full; try again in 2 seconds.")
        page = self.open()
        self.say(page, "hello")
        self.assertIn("429: The queue is full", page.run(f"{LAST}.querySelector('[role=alert]').innerText"))
        server.failure = None
        page.click(".again")
        page.wait(f"{DONE} && {LAST}.innerText.includes('You said: hello')")

    def test_an_answer_that_breaks_off_says_so(self):
        server.cut = True
        page = self.open()
        self.say(page, "hello")
        self.assertIn("broke off", page.run(f"{LAST}.querySelector('[role=alert]').innerText"))
        self.assertIn("You said: hello", page.run(f"{LAST}.innerText"), "what came stays")

    def test_a_key_is_asked_for_and_kept_for_the_tab(self):
        server.key = "secret"
        page = self.open()
        page.wait("document.querySelector('#key-dialog').open")
        self.assertEqual(page.run("document.activeElement.id"), "key")
        page.screenshot(SCREENS / "key.png")
        page.type("secret")
        page.press("Enter")
        page.wait("document.querySelector('#model').innerText === 'llama-3.2-1b-instruct'")
        self.say(page, "hello")
        self.assertIn("You said: hello", page.run(f"{LAST}.innerText"))
        self.assertEqual(page.run("sessionStorage.length"), 1)
        self.assertNotIn("secret", page.run("JSON.stringify(localStorage)"))


class Markdown(PageTest):
    def test_is_drawn(self):
        page = self.open()
        self.say(page, "Explain continuous batching")
        count = lambda selector: page.run(f"{LAST}.querySelectorAll({json.dumps(selector)}).length")
        self.assertEqual(count("h4.level-2"), 1)
        self.assertEqual(count("ol > li"), 3)
        self.assertEqual(count("ol > li > ul > li"), 2)
        self.assertEqual(count("table tbody tr"), 2)
        self.assertEqual(count("td.align-right"), 4)
        self.assertEqual(count("strong") + count("p > em") + count("p > code"), 3)
        self.assertEqual(count("blockquote p"), 1)
        self.assertEqual(page.run(f"{LAST}.querySelector('.code-bar span').innerText"), "cpp")
        self.assertGreater(count(".code-keyword"), 3)
        self.assertEqual(page.run(f"{LAST}.querySelector('.code-comment').innerText"), "// One step over everything that runs.")
        self.assertEqual(page.run(f"{LAST}.querySelector('a').rel"), "noopener noreferrer nofollow")

    def test_hostile_html_is_text(self):
        page = self.open()
        self.say(page, "hostile")
        self.assertEqual(page.run("typeof window.hacked"), "undefined")
        self.assertEqual(page.run(f"{LAST}.querySelectorAll('script, img, iframe, style, b, svg:not(.action svg)').length"), 0)
        self.assertIn('<img src=x onerror="window.hacked = 2">', page.run(f"{LAST}.innerText"))
        addresses = page.run(f"[...{LAST}.querySelectorAll('a')].map((a) => a.href)")
        self.assertTrue(all(address.startswith(("https://", "http://")) for address in addresses), addresses)
        self.assertFalse(any(address.startswith(server.origin) for address in addresses), addresses)
        handlers = f"[...{LAST}.querySelectorAll('*')].flatMap((e) => [...e.attributes]).filter((a) => /^on/.test(a.name)).length"
        self.assertEqual(page.run(handlers), 0)

    def test_reads_what_is_odd(self):
        page = self.open()
        inline = lambda text: page.run(f"import('/inline.js').then((m) => m.inline({json.dumps(text)}))")
        self.assertEqual(inline("2 * 3 * 4"), ["2 * 3 * 4"])
        self.assertEqual(inline("snake_case_name"), ["snake_case_name"])
        self.assertEqual(inline("***a***"), [{"type": "strong", "inside": [{"type": "em", "inside": ["a"]}]}])
        self.assertEqual(inline(r"\*a\* <b>"), ["*a* <b>"])
        self.assertEqual(inline("``a`b``"), [{"type": "code", "text": "a`b"}])
        self.assertEqual(inline("an open **mark"), ["an open **mark"])
        self.assertEqual(inline("see https://a.example/x. Then"), ["see ", {"type": "link", "address": "https://a.example/x", "inside": ["https://a.example/x"]}, ". Then"])
        blocks = lambda text: page.run(f"import('/markdown.js').then((m) => m.blocks({json.dumps(text)}))")
        self.assertEqual(blocks("```py\nx = 1")[0]["text"], "x = 1", "a fence that is still open")
        self.assertEqual([block["type"] for block in blocks("a\n\n---\n# b\n* c\n> d")], ["paragraph", "rule", "heading", "list", "quote"])
        self.assertEqual(blocks("3. a\n4. b")[0]["start"], 3)

    def test_takes_no_long_over_what_is_hostile(self):
        page = self.open()
        for text in ("*a " * 20000, "`" * 20000, "[" * 20000, "> " * 5000, "**_" * 10000, "- " * 5000, "|" * 20000 + "\n" + "|-" * 10000,
                     "[a](" * 10000, "` `` ``` " * 4000, "<http:" * 10000, "a_b_" * 10000, "*a* **b" * 5000):
            took = page.run(f"import('/markdown.js').then((m) => {{ const t = performance.now(); m.blocks({json.dumps(text)}); return performance.now() - t; }})")
            self.assertLess(took, 1500, text[:20])

    def test_copies_a_message_and_code(self):
        page = self.open()
        browser.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"], browserContextId=page.context)
        self.say(page, "Explain continuous batching")
        page.click(".code-bar .action")
        page.wait(f"{LAST}.querySelector('.code-bar .action').innerText === 'Copied'")
        self.assertTrue(page.run("navigator.clipboard.readText()").startswith("// One step over"))
        page.click(".footer .action")
        page.wait(f"{LAST}.querySelector('.footer .action').innerText === 'Copied'")
        self.assertTrue(page.run("navigator.clipboard.readText()").startswith("## Continuous batching"))


class Comfort(PageTest):
    def test_both_languages(self):
        page = self.open()
        self.assertEqual(page.run("document.documentElement.lang"), "en")
        page.click("#language")
        self.assertEqual(page.run("document.documentElement.lang"), "zh-CN")
        self.assertEqual(page.run("document.querySelector('#send').ariaLabel"), "发送")
        self.assertFalse(page.run("/[A-Za-z]{4}/.test(document.querySelector('#welcome').innerText.replace('C++', ''))"))
        page.open()
        self.assertEqual(page.run("document.documentElement.lang"), "zh-CN", "the choice is kept")

    def test_the_browsers_language_and_theme_count_at_first(self):
        page = self.open(chinese=True, dark=True)
        self.assertEqual(page.run("document.documentElement.lang"), "zh-CN")
        self.assertEqual(page.run("document.documentElement.dataset.theme"), "dark")
        page.click("#theme")
        self.assertEqual(page.run("document.documentElement.dataset.theme"), "light")
        self.assertEqual(page.run("getComputedStyle(document.body).backgroundColor"), "rgb(246, 247, 247)")
        page.open()
        self.assertEqual(page.run("document.documentElement.dataset.theme"), "light", "the choice is kept")

    def test_keyboard_alone(self):
        page = self.open()
        page.type("first line")
        page.press("Enter", shift=True)
        page.type("endless")
        self.assertEqual(page.run("document.querySelector('#prompt').value"), "first line\nendless")
        page.press("Enter")
        page.wait(f"{LAST}?.innerText.length > 20")
        page.press("Escape")
        page.wait(DONE)
        self.assertIn("Stopped", page.run(f"{LAST}.innerText"))
        page.press("Tab", shift=True)  # from the message to what stands before it
        self.assertTrue(page.run("document.activeElement.classList.contains('again')"))
        page.press("Enter")
        page.wait(f"{LAST}?.classList.contains('growing')")
        page.press("Escape")
        page.wait(DONE)

    def test_everything_has_a_name_and_a_visible_focus_in_order(self):
        page = self.open()
        self.say(page, "Explain continuous batching")
        page.run("document.querySelector('.skip').focus()")
        names = []
        for _ in range(19):
            page.press("Tab")
            names.append(page.run("document.activeElement.id || document.activeElement.innerText"))
            seen = page.run("(() => { const e = document.activeElement; const s = getComputedStyle(e.id === 'prompt' ? e.parentElement : e);"
                            " return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2; })()")
            self.assertTrue(seen, names[-1])
            self.assertTrue(page.run("(() => { const e = document.activeElement; return !!(e.ariaLabel || e.innerText.trim() || e.labels?.length); })()"), names[-1])
            if names[-1] == "stop-strings":
                break
        order = [names.index(name) for name in ("new-chat", "language", "theme", "panel-toggle", "prompt", "system", "temperature", "stop-strings")]
        self.assertEqual(order, sorted(order))

    def test_enter_belongs_to_the_input_method_while_it_composes(self):
        page = self.open()
        page.run("document.querySelector('#prompt').value = '你'")
        page.run("document.querySelector('#prompt').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))")
        self.assertEqual(server.asked, [])

    def test_a_phone_needs_no_sideways_scrolling(self):
        page = self.open(width=360, height=740)
        fits = "document.documentElement.scrollWidth <= 360 && document.querySelector('#scroll').scrollWidth <= 360"
        self.assertTrue(page.run(fits))
        page.screenshot(SCREENS / "phone-welcome.png")
        self.say(page, "Explain continuous batching with_a_word_that_is_much_longer_than_the_phone_is_wide_and_has_no_spaces")
        self.assertTrue(page.run(fits))
        page.run("document.querySelector('#scroll').scrollTop = 0")
        page.screenshot(SCREENS / "phone.png")
        page.run("document.querySelector('#scroll').scrollTop = 1e6")
        page.screenshot(SCREENS / "phone-code.png")
        small = "[...document.querySelectorAll('button')].filter((b) => b.offsetParent && (b.offsetHeight < 36 || b.offsetWidth < 36)).map((b) => b.outerHTML)"
        self.assertEqual(page.run(small), [])
        page.click("#panel-toggle")
        page.wait("document.querySelector('.stroke') !== null")
        self.assertTrue(page.run(fits + " && document.querySelector('#panel').scrollWidth <= 360"))
        self.assertTrue(page.run("document.querySelector('main').inert"))
        page.wait("document.querySelectorAll('.chart .stroke').length >= 5 && document.querySelector('.stroke').getAttribute('d').split('L').length > 2")
        # The label of the largest value stands above every line.
        below = "[...document.querySelectorAll('.plot')].filter((p) => p.querySelector('.chart-most').innerText).every((p) => p.querySelector('.chart-most').getBoundingClientRect().bottom <= Math.min(...[...p.querySelectorAll('.stroke')].map((s) => s.getBoundingClientRect().top)) + 1)"
        self.assertTrue(page.run(below))
        page.screenshot(SCREENS / "phone-engine.png")
        page.press("Escape")
        self.assertTrue(page.run("document.querySelector('#panel').hidden"))
        self.assertEqual(page.run("document.activeElement.id"), "panel-toggle")

    def test_nothing_moves_for_those_who_want_it_so(self):
        for reduced in (True, False):
            page = self.open(reduced=reduced)
            self.say(page, "endless", wait=False)
            page.wait(f"{LAST}?.innerText.length > 20")
            self.assertEqual(page.run("document.getAnimations().length > 0"), not reduced)
            page.press("Escape")
            page.wait(DONE)

    CONTRAST = """(() => {
      const rgb = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return [m[0], m[1], m[2], m[3] ?? 1]; };
      const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; } };
      const poor = [];
      for (const e of document.body.querySelectorAll('*')) {
        if (!e.checkVisibility() || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || e.disabled) continue;
        const [a, b] = [light(rgb(getComputedStyle(e).color).slice(0, 3)), light(ground(e).slice(0, 3))].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(`${e.tagName}.${e.className} ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
      }
      return poor;
    })()"""

    def test_text_has_contrast_in_both_themes(self):
        for dark in (False, True):
            page = self.open(dark=dark)
            self.say(page, "Explain continuous batching")
            server.failure = (500, "It broke.")
            self.say(page, "hello")
            server.failure = None
            self.assertEqual(page.run(self.CONTRAST), [])


class Engine(PageTest):
    def test_the_live_view_draws(self):
        page = self.open()
        page.wait("document.querySelectorAll('.chart .stroke').length >= 4", 8)
        page.wait("document.querySelector('.stroke').getAttribute('d').split('L').length > 2", 8)
        self.assertEqual(page.run("document.querySelector('#engine-state').innerText"), "live")
        self.assertRegex(page.run("document.querySelector('.tiles').innerText"), r"Running\s+\d+")
        self.assertIn("64 %", page.run("document.querySelector('.tiles').innerText"))
        self.assertRegex(page.run("document.querySelector('.kv').innerText"), r"\d+ of 1024 blocks")
        self.assertGreater(page.run("document.querySelector('.meter-fill').offsetWidth"), 10)
        self.assertRegex(page.run("document.querySelector('.chart svg').getAttribute('aria-label')"), r"Generated tokens/s: now \d+")

    def test_it_asks_nothing_while_it_cannot_be_seen(self):
        page = self.open()
        page.click("#panel-toggle")
        # A question that was under way may still be answered.
        page.run("new Promise((done) => setTimeout(done, 700))")
        page.run("performance.clearResourceTimings()")
        page.run("new Promise((done) => setTimeout(done, 2200))")
        asked = "performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/metrics-json')).length"
        self.assertEqual(page.run(asked), 0)
        page.click("#panel-toggle")
        page.wait(asked)


class Screens(PageTest):
    """For people to look at."""

    # Two minutes of figures in six seconds: the server's clock and the page's poll both run twenty times as fast.
    HURRY = "const timer = window.setInterval; window.setInterval = (work, every) => timer(work, every / 20);"

    def shoot(self, name, question, wait_for_charts=True, **how):
        server.pace = 20 if wait_for_charts else 1
        page = self.open(**how, before=self.HURRY if wait_for_charts else "")
        if wait_for_charts:
            page.wait("(document.querySelector('.stroke')?.getAttribute('d').split('L').length ?? 0) > 110", 30)
        if question:
            self.say(page, question)
            page.run("document.querySelector('#scroll').scrollTop = 0")
        page.screenshot(SCREENS / name)

    def test_light(self): self.shoot("light.png", "Explain continuous batching in three sentences.", height=900)
    def test_dark(self): self.shoot("dark.png", "Explain continuous batching in three sentences.", height=900, dark=True)
    def test_chinese(self): self.shoot("chinese.png", "用三句话解释什么是连续批处理。", height=900, chinese=True)
    def test_welcome(self): self.shoot("welcome.png", None, wait_for_charts=False)
    def test_phone_dark(self): self.shoot("phone-dark-chinese.png", "用三句话解释什么是连续批处理。", wait_for_charts=False, width=360, height=740, dark=True, chinese=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
