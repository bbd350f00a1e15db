"""The official client of the Model Context Protocol drives all tools and resources of `tantu mcp`.

client.py MODE SERVER [expected]: MODE as `mcp.Client` takes it, SERVER the program; prints one line of JSON. `expected` is a piece of
text that `explore` must show.
"""

import asyncio
import json
import os
import sys

import jsonschema
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

PATCH = """--- a/shop/cart.py
+++ b/shop/cart.py
@@ -52,2 +52,2 @@
 
-    def subtotal(self) -> Money:
+    def subtotal(self, tax) -> Money:
"""


def text(result):
    return "".join(block.text for block in result.content)


async def main(mode, server, expected):
    parameters = StdioServerParameters(command=server, args=["mcp"], env=dict(os.environ), cwd=os.getcwd())
    async with Client(stdio_client(parameters), mode=mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == ["explore", "check", "tests"], list(tools)
        again = [tool.model_dump() for tool in (await client.list_tools(cache_mode="bypass")).tools]
        assert again == [tool.model_dump() for tool in tools.values()], "the list never changes"
        said = []

        async def progress(done, total, message):
            said.append(message)

        async def call(name, **arguments):
            jsonschema.validate(arguments, tools[name].input_schema)
            result = await client.call_tool(name, arguments, progress_callback=progress)
            assert not result.is_error, text(result)
            jsonschema.validate(result.structured_content, tools[name].output_schema)
            return result

        for tool in tools.values():
            jsonschema.Draft202012Validator.check_schema(tool.input_schema)
            jsonschema.Draft202012Validator.check_schema(tool.output_schema)
            assert tool.annotations.read_only_hint is True
        found = await call("explore", query="Cart.subtotal")
        assert expected in text(found), text(found)
        assert found.structured_content["found"][0]["callers"] == 7, found.structured_content
        for _ in range(100):
            # Values may still be followed, on a machine that has much to do.
            if found.structured_content["complete"]:
                break
            found = await call("explore", query="Cart.subtotal")
        assert found.structured_content["complete"] is True, found.structured_content
        file = await call("explore", query="shop/cart.py", budget=600)
        assert "class Cart" in text(file), text(file)
        words = await call("explore", query="the discount that is best")
        assert "best_discount" in text(words), text(words)
        unknown = await call("explore", query="Cart.subtotl")
        assert "shop.cart.Cart.subtotal" in unknown.structured_content["nearest"], unknown.structured_content
        wrong = await client.call_tool("explore", {"query": "x", "line": 3})
        assert wrong.is_error, wrong

        refused = await call("check", patch=PATCH, asked="tax")
        assert refused.structured_content["outcome"] == "refused", text(refused)
        assert "shop/pricing.py" in text(refused), text(refused)
        good = await call("check", files=[{"path": "shop/extra.py", "text": "def one() -> int:\n    return 1\n"}], card=True)
        assert good.structured_content["outcome"] == "passed", text(good)
        assert "## Checks" in text(good), text(good)
        unusable = await call("check", patch="--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n")
        assert unusable.structured_content["outcome"] == "unusable", text(unusable)

        listed = await call("tests", patch=PATCH)
        assert listed.structured_content["count"] > 10, listed.structured_content
        cart = open("shop/cart.py").read()
        same = [{"path": "shop/cart.py", "text": cart.replace("return not self._lines", "return len(self._lines) == 0")}]
        ran = await call("tests", run=True, most=3, files=same)
        assert ran.structured_content["failed"] == 0 and ran.structured_content["passed"] > 0, text(ran)
        assert said, "progress is told"

        resources = (await client.list_resources()).resources
        uris = [str(resource.uri) for resource in resources]
        assert refused.structured_content["card"] in uris, uris
        card = await client.read_resource(refused.structured_content["card"])
        assert "# " in card.contents[0].text

        # A question that nobody wants answered any longer: the next one is answered.
        try:
            await asyncio.wait_for(client.call_tool("tests", {"run": True, "files": same}), 0.2)
        except (asyncio.TimeoutError, TimeoutError):
            pass
        await call("explore", query="Cart")
        print(json.dumps({"protocol": client.protocol_version, "attached": found.structured_content["attached"],
                          "instructions": (client.instructions or "")[:512]}))


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "def subtotal(self) -> Money:"))
