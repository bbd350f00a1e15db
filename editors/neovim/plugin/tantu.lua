vim.api.nvim_create_user_command('Tantu', function(it)
  require('tantu').command(it.fargs, it.range > 0 and it.line1 or nil, it.range > 0 and it.line2 or nil)
end, { nargs = '+', range = true, complete = 'custom,v:lua.require\'tantu\'.words', desc = 'tantu, at the cursor' })

for name in ('adjust affected context coverage evidence explain graph impact propose reset review run silence status'):gmatch('%a+') do
  vim.keymap.set('n', '<Plug>(tantu-' .. name .. ')', '<Cmd>Tantu ' .. name .. '<CR>')
end
vim.keymap.set('x', '<Plug>(tantu-run)', ':Tantu run<CR>')

vim.api.nvim_create_autocmd({ 'LspAttach', 'LspProgress' }, {
  group = vim.api.nvim_create_augroup('tantu', {}),
  callback = function(it)
    local client = vim.lsp.get_client_by_id(it.data.client_id)
    if client and client.name == 'tantu' then
      require('tantu').on[it.event](it)
    end
  end,
})
