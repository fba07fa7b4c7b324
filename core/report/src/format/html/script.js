(function(){var box=document.querySelector('.filter');if(!box)return;box.hidden=false;
var find=document.getElementById('find'),out=document.getElementById('shown'),
marks=[].slice.call(box.querySelectorAll('[type=checkbox]')),units=[].slice.call(document.querySelectorAll('.unit'));
function show(){var text=find.value.toLowerCase(),on={},n=0;marks.forEach(function(m){on[m.value]=m.checked});
units.forEach(function(u){var head=u.querySelector('summary').textContent.toLowerCase(),
yes=(on[u.dataset.v]!==false)&&head.indexOf(text)>=0;u.hidden=!yes;if(yes)n++});
out.textContent=n+' of '+units.length}
find.addEventListener('input',show);marks.forEach(function(m){m.addEventListener('change',show)});show();
function jump(){var u=location.hash&&document.getElementById(location.hash.slice(1));if(u&&'open' in u)u.open=true}
addEventListener('hashchange',jump);jump();
addEventListener('beforeprint',function(){units.forEach(function(u){u.open=u.open||u.dataset.v!=='passed'})})})();
