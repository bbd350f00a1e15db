-- A morning with the plugin: look around, run a test, let a function be written, take it back.
package.path = debug.getinfo(1, 'S').source:match('^@(.*)/') .. '/?.lua;' .. package.path
local session = require('session')

vim.opt.runtimepath:prepend(vim.env.TANTU_PLUGIN)
vim.cmd.runtime('plugin/tantu.lua')
vim.cmd('filetype plugin on')
vim.lsp.config('tantu', { cmd = session.command, on_exit = session.on_exit })
vim.lsp.enable('tantu')

-- What a picker shows is kept; the answer is scripted.
local asked, answer = nil, nil
vim.ui.select = function(items, options, choose)
  asked = { prompt = options.prompt, titles = vim.tbl_map(options.format_item or tostring, items) }
  for index, title in ipairs(asked.titles) do
    if title == answer then
      return choose(items[index], index)
    end
  end
  choose(nil)
end
vim.ui.input = function(_, confirm)
  confirm('prefer plain loops')
end

-- Look around.
local client = session.open('shop/money.py')
session.must(client.root_dir == vim.uv.cwd(), 'the workspace is the root')
session.go_to('Money:')
session.hover('Money')

-- A lens leads to the callers that it counts.
session.go_to('def _require_same_currency')
session.lens('3 callers')
vim.lsp.codelens.run()
session.wait('the callers are in the quickfix list', function()
  return #vim.fn.getqflist() == 3 and vim.bo.buftype == 'quickfix'
end)
vim.cmd.cclose()

-- A picture of what is around a definition.
local picture
vim.ui.open = function(path)
  picture = path
  return { wait = function() return { code = 0 } end }
end
vim.cmd('Tantu graph 1')
session.wait('a picture is opened', function()
  return picture and picture:find('_require_same_currency', 1, true)
end)

-- What a model would be shown, as a document.
vim.cmd('Tantu context 2000')
session.wait('the ledger is opened', function()
  local name, text = vim.api.nvim_buf_get_name(0), table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  return name:find('_require_same_currency.context.md', 1, true) and text:find('of 2000 tokens', 1, true)
end)

-- Run a test. The first run on a machine compiles the sandbox.
session.open('tests/test_money.py')
session.go_to('def test_arithmetic_is_exact')
session.lens('▶ run')
vim.cmd('Tantu run')
session.lens('✓ 1 passed', 100)

-- Run a line that is not even saved: what it prints is in the log.
local logged, shown = '', ''
vim.lsp.handlers['window/logMessage'] = function(_, result)
  logged = logged .. result.message
end
vim.lsp.handlers['window/showMessage'] = function(_, result)
  shown = shown .. result.message
end
vim.api.nvim_buf_set_lines(0, -1, -1, true, { 'print(6 * 7)' })
vim.cmd('$Tantu run')
session.wait('the line has run', function()
  return logged:find('42\n', 1, true) and logged:find('✓ done', 1, true)
end, 60)
vim.cmd('silent undo')

-- Affected tests: without a repository nothing can be compared, and that is said.
vim.cmd('Tantu affected')
session.wait('what is missing is said', function()
  return shown:find('tantu cannot tell what has changed', 1, true)
end, 60)

-- Let a function be written.
session.open('shop/discounts.py')
local before = session.text()
vim.bo.undolevels = vim.bo.undolevels -- Closes the undo block, as a pause in typing does.
session.go_to('raise NotImplementedError')
answer = 'Apply'
vim.cmd('Tantu propose')
session.wait('the proposal is shown', function()
  return asked
end, 60)
session.must(asked.prompt:find('best_discount', 1, true), 'the question names the function: ' .. asked.prompt)
session.wait('the proposal is applied', function()
  return session.text():find('if off > most:', 1, true)
end)
session.must(not session.text():find('raise NotImplementedError', 1, true), 'the stub is gone')
session.must(vim.bo.modified, 'nothing is saved behind the user\'s back')

-- Take it back: one step.
vim.cmd('silent undo')
session.must(session.text() == before, 'one undo brings everything back')

session.stop(client)
