-- A morning with the plugin: look around, run a test, let a function be written, take it back.
package.path = debug.getinfo(1, 'S').source:match('^@(.*)/') .. '/?.lua;' .. package.path
local session = require('session')

vim.opt.runtimepath:prepend(vim.env.TANTU_PLUGIN)
vim.cmd.runtime('plugin/tantu.lua')
vim.cmd('filetype plugin on')
vim.lsp.config('tantu', { cmd = session.command, on_exit = session.on_exit })
vim.lsp.enable('tantu')

local floating = session.floating
vim.ui.input = function(_, confirm)
  confirm('prefer plain loops')
end

-- Look around.
local client = session.open('shop/money.py')
session.must(client.root_dir == vim.uv.cwd(), 'the workspace is the root')
session.go_to('Money:')
session.hover('Money')

-- What breaks, and what is there, in the card.
vim.cmd('Tantu impact')
session.must(vim.api.nvim_get_current_buf() == vim.fn.bufnr('shop/money.py'), 'the cursor stays')
floating('impact', 'class of')
vim.cmd('Tantu status')
vim.api.nvim_set_current_win(floating('status', 'sandbox'))
vim.cmd.normal('q')
session.must(vim.api.nvim_win_get_config(0).relative == '', 'q closes the card')
session.must(require('tantu').status():find('^tantu'), 'the statusline says that it runs')
vim.cmd('checkhealth tantu')
session.must(session.text():find('OK version %d', 1) and session.text():find('serves /', 1, true), 'it is healthy')
vim.cmd.bdelete()

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
vim.api.nvim_feedkeys(vim.keycode('<Plug>(tantu-run)'), 'x', false)
session.lens('✓ 1 passed', 100)

-- Run a line that is not even saved: what it prints is in the log.
local logged = ''
vim.lsp.handlers['window/logMessage'] = function(_, result)
  logged = logged .. result.message
end
vim.api.nvim_buf_set_lines(0, -1, -1, true, { 'print(6 * 7)' })
vim.cmd('$Tantu run')
session.wait('the line has run', function()
  return logged:find('42\n', 1, true) and logged:find('✓ done', 1, true)
end, 60)
vim.cmd('silent undo')

-- Affected tests: without a repository all tests are run, and why is said.
vim.cmd('Tantu affected')
session.wait('all tests are run', function()
  return logged:find('for outside of git nothing says what has changed: ', 1, true)
end, 60)

-- What the tests of a file have executed stands beside the lines, also of files that are opened later.
vim.cmd('Tantu coverage')
local space = vim.api.nvim_create_namespace('tantu.coverage')
local money = vim.fn.bufnr('shop/money.py')
session.wait('lines have signs', function()
  return #vim.api.nvim_buf_get_extmarks(money, space, 0, -1, {}) > 10
end, 60)
local kinds = {}
for _, sign in ipairs(vim.api.nvim_buf_get_extmarks(money, space, 0, -1, { details = true })) do
  kinds[sign[4].sign_hl_group] = true
end
session.must(kinds.DiagnosticOk and kinds.DiagnosticWarn, 'what is executed and what is not')
vim.cmd('Tantu coverage off')
session.must(#vim.api.nvim_buf_get_extmarks(money, space, 0, -1, {}) == 0, 'and goes again')

-- Let a function be written. What there is to choose from, the server says.
session.open('shop/discounts.py')
local announced = client.server_capabilities.experimental.tantu.assists
local completed = vim.fn.getcompletion('Tantu propose ', 'cmdline')
session.must(#completed > 10 and vim.deep_equal(completed, announced), 'all assists can be completed')
session.must(vim.fn.getcompletion('Tantu propose impl', 'cmdline')[1] == 'implement-function', 'by their beginning')
local before = session.text()
vim.bo.undolevels = vim.bo.undolevels -- Closes the undo block, as a pause in typing does.
session.go_to('raise NotImplementedError')
local code = vim.api.nvim_get_current_win()
vim.cmd('Tantu propose')
local card = floating('best_discount', 'confidence', 60)
session.must(vim.api.nvim_get_current_win() == code, 'who is typing goes on typing')

-- The diff, the evidence, and once more what is asked: each in the card.
vim.cmd('Tantu evidence')
session.must(vim.api.nvim_get_current_win() == card, 'the cursor is in the card')
vim.cmd.normal('s')
session.wait('the diff is shown', function()
  return vim.bo.filetype == 'diff' and session.text():find('+        if off > most:', 1, true)
end)
session.wait('the question is open again', function()
  return vim.fn.maparg('w', 'n') ~= ''
end)
vim.cmd.normal('w')
session.wait('the evidence is shown', function()
  return vim.bo.filetype == 'markdown' and session.text():find('Tests and doctests pass', 1, true)
end)
session.wait('the question is open again', function()
  return vim.fn.maparg('a', 'n') ~= ''
end)
vim.cmd.normal('q')
session.must(vim.api.nvim_get_current_win() == code, 'a closed card is out of the way')

-- What should be different, and again.
vim.cmd('Tantu adjust say it in fewer words')
floating('best_discount', 'confidence', 60)
vim.cmd('Tantu evidence')
vim.cmd.normal('a')
session.wait('the proposal is applied', function()
  return session.text():find('if off > most:', 1, true)
end)
session.must(not session.text():find('raise NotImplementedError', 1, true), 'the stub is gone')
session.must(vim.bo.modified, 'nothing is saved behind the user\'s back')

-- What was checked is still there to be seen.
vim.cmd('Tantu evidence')
floating('proposal-', 'Tests and doctests pass')
vim.cmd('Tantu evidence')
vim.cmd.normal('q')

-- Take it back: one step.
vim.cmd('silent undo')
session.must(session.text() == before, 'one undo brings everything back')

session.stop(client)
