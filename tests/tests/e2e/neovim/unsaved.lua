-- A buffer is changed and not saved; whoever looks from outside says when the editor may leave.
package.path = debug.getinfo(1, 'S').source:match('^@(.*)/') .. '/?.lua;' .. package.path
local session = require('session')

vim.cmd('filetype plugin on')
vim.api.nvim_create_autocmd('FileType', {
  pattern = 'python',
  callback = function()
    vim.lsp.start({
      name = 'tantu',
      cmd = session.command,
      root_dir = vim.uv.cwd(),
      on_exit = session.on_exit,
    })
  end,
})
local client = session.open('shop/cart.py')
local last = vim.api.nvim_buf_line_count(0)
vim.api.nvim_buf_set_lines(0, last, last, false, { '', '', 'def typed_in_neovim(cart: Cart) -> Money:', '    return cart.subtotal()' })
session.wait('somebody has seen it', function()
  return vim.uv.fs_stat('seen') ~= nil
end)
session.stop(client)
